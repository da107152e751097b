import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { isPrincipal } from "#shared/contract/principal.ts";
import { isTopicPattern, patternsOverlap } from "#shared/protocol/topics.ts";
import { attributesSchema } from "./attributes-schema.ts";
import { countComparisons } from "./condition.ts";
import { caseSchema, MAX_CASES } from "./case-schema.ts";
import { parseCondition } from "./parse-condition.ts";
import { isPermissionPattern } from "#shared/protocol/permissions.ts";
import { permissionSchema } from "./permission.ts";
import type { EventRule, PolicyDocument, Role, Rule, TrustedIssuer } from "./policy-document.ts";
import { isRoutePath } from "./route-path.ts";
import { maskSchema } from "./mask-schema.ts";
import { placeholderOf } from "./topic-placeholder.ts";

/** The most roles a document may define. */
export const MAX_ROLES = 2_048;

/** The most bindings a document may have: each binds a role to any number of subjects. */
const MAX_BINDINGS = 20_000;

/**
 * The most rules of all roles together, and how many of them may be limited to topics. Every permission is matched with
 * every rule, and every limited rule may go to the edge with every grant: without bounds one tenant's document would
 * keep the others waiting.
 */
const MAX_RULES = { all: 16_384, limited: 256, comparisons: 256, placeholders: 64, masked: 32 } as const;

const allowSchema = z
  .union([z.string(), z.strictObject({ rule: z.string(), when: z.string().optional(), mask: maskSchema.optional() })], {
    error: "must be a rule such as order:read, or a mapping { rule: order:read, when: …, mask: […] }",
  })
  .transform(parseRule);

const denySchema = z
  .union([z.string(), z.strictObject({ rule: z.string(), when: z.string() })], {
    error: "must be a rule such as order:read, or a mapping { rule: order:read, when: … }",
  })
  .transform(parseRule);

const MAX_RULES_OF_ROLE = 256;

const roleSchema = z.strictObject({
  inherits: z.array(freeNameSchema).max(64).default([]),
  allow: z.array(allowSchema).max(MAX_RULES_OF_ROLE).default([]),
  deny: z.array(denySchema).max(MAX_RULES_OF_ROLE).default([]),
}) satisfies z.ZodType<Role>;

/** What is bound to roles and has attributes. */
const principalSchema = z
  .string()
  .refine(
    isPrincipal,
    "must be the name of a subject or group:<name>; a subject whose name begins with group:, role: or subject: is subject:<name>",
  );

const bindingSchema = z.strictObject({
  role: freeNameSchema,
  subjects: z.array(principalSchema).max(10_000),
  until: z.iso
    .datetime({ offset: true, error: "must be a time such as 2026-01-31T18:00:00Z" })
    .transform((time) => Date.parse(time))
    .optional(),
});

const trustSchema = z.strictObject({
  issuer: z.string().min(1).max(1_024),
  roles: z.boolean().default(false),
  groups: z.boolean().default(false),
  attributes: z.union([z.boolean(), z.array(nameSchema).max(64)]).default(false),
});

const eventPatternSchema = z
  .string()
  .refine(
    (pattern) => isTopicPattern(pattern) && patternsOverlap(pattern, "*.*"),
    "must be a pattern over event types, which have two tokens, such as order.*",
  );

const routeSchema = z.strictObject({
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
  path: z
    .string()
    .refine(
      isRoutePath,
      "must be a path such as /api/v1/orders/{id?} or /api/{rest*}; only its end may be optional or stand for many segments",
    ),
  permission: permissionSchema,
  topics: z.array(z.string()).max(16).default([]),
});

/** The shape of a policy document, and every check that one value fails by itself. */
export const documentSchema = z.strictObject({
  tenant: nameSchema,
  roles: mapOf(freeNameSchema, roleSchema, MAX_ROLES)
    .refine((roles) => rulesOf(roles).length <= MAX_RULES.all, `may have at most ${MAX_RULES.all} rules in all`)
    .refine(
      (roles) => rulesOf(roles).filter(isLimited).length <= MAX_RULES.limited,
      `may have at most ${MAX_RULES.limited} rules with a topic pattern, a condition or a mask in all`,
    )
    .refine(
      (roles) => rulesOf(roles).filter(({ mask }) => mask !== undefined).length <= MAX_RULES.masked,
      `may have at most ${MAX_RULES.masked} rules with a mask in all`,
    )
    .refine(
      (roles) => rulesOf(roles).reduce((sum, { when }) => sum + countComparisons(when), 0) <= MAX_RULES.comparisons,
      `may have at most ${MAX_RULES.comparisons} comparisons in conditions in all`,
    )
    .refine(
      (roles) => rulesOf(roles).filter(holdsAttribute).length <= MAX_RULES.placeholders,
      `may have at most ${MAX_RULES.placeholders} rules with an attribute in the topic pattern in all`,
    ),
  bindings: z
    .array(bindingSchema)
    .max(
      MAX_BINDINGS,
      `may be at most ${MAX_BINDINGS}; name several subjects in one, bind groups, or set roles over HTTP`,
    )
    .default([]),
  attributes: mapOf(principalSchema, attributesSchema, 10_000),
  trust: z.array(trustSchema).max(64).superRefine(requireDistinct).default([]),
  events: mapOf(eventPatternSchema, permissionSchema, 1_024).transform((rules): readonly EventRule[] =>
    Array.from(rules, ([pattern, permission]) => ({ pattern, permission })),
  ),
  routes: z.array(routeSchema).max(1_024).default([]),
  tests: z.array(caseSchema).max(MAX_CASES).default([]),
}) satisfies z.ZodType<PolicyDocument>;

/** A mapping as a Map: names are free, also those that every JavaScript object already answers to. */
function mapOf<Value extends z.ZodType>(key: z.ZodType<string, string>, value: Value, max: number) {
  return z
    .record(key, value)
    .refine((record) => Object.keys(record).length <= max, `may have at most ${max} entries`)
    .transform((record): ReadonlyMap<string, z.output<Value>> => new Map(Object.entries(record)))
    .default(new Map());
}

function rulesOf(roles: ReadonlyMap<string, Role>): Rule[] {
  return [...roles.values()].flatMap(({ allow, deny }) => [...allow, ...deny]);
}

function requireDistinct(issuers: readonly TrustedIssuer[], context: z.RefinementCtx): void {
  for (const [index, { issuer }] of issuers.entries()) {
    if (issuers.findIndex((each) => each.issuer === issuer) < index) {
      context.addIssue({ code: "custom", path: [index, "issuer"], message: "this issuer stands here twice" });
    }
  }
}

function isLimited({ topic, when, mask }: Rule): boolean {
  return (topic ?? when ?? mask) !== undefined;
}

interface WrittenRule {
  readonly rule: string;
  readonly when?: string | undefined;
  readonly mask?: readonly string[] | undefined;
}

function parseRule(value: string | WrittenRule, context: z.RefinementCtx): Rule {
  const isPlain = typeof value === "string";
  const { rule, when, mask }: WrittenRule = isPlain ? { rule: value } : value;
  const [permission = "", topic, ...more] = rule.split("@");
  const addFault = (key: "rule" | "when", message: string): void =>
    context.addIssue({ code: "custom", path: isPlain ? [] : [key], message });
  if (!isPermissionPattern(permission) || more.length > 0) {
    addFault(
      "rule",
      "must be a permission such as order:read or order:*, with @ and a topic pattern where it is limited",
    );
  } else if (topic !== undefined && !isTopicTemplate(topic)) {
    addFault(
      "rule",
      "must have a topic pattern behind the @, such as order.*.{sub}; a token may be {sub}, {tenant} or {<attribute>}",
    );
  }
  const { condition, fault } = when === undefined ? {} : parseCondition(when);
  if (fault !== undefined) addFault("when", fault);
  return { permission, topic, when: condition, ...(mask === undefined ? {} : { mask }) };
}

/** One of these may make many patterns for one person; `{sub}` and `{tenant}` make one. */
function holdsAttribute({ topic = "" }: Rule): boolean {
  return topic
    .split(".")
    .map(placeholderOf)
    .some((name) => name !== undefined && name !== "sub" && name !== "tenant");
}

function isTopicTemplate(text: string): boolean {
  const filled = text.split(".").map((token) => (placeholderOf(token) === undefined ? token : "x"));
  return isTopicPattern(filled.join("."));
}
