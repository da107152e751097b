import * as fc from "fast-check";

/** A rule as a document writes it; conditions as a tree that each side spells in its own way. */
export interface RandomRule {
  readonly permission: string;
  readonly topic: string | undefined;
  readonly when: RandomCondition | undefined;
}

export type RandomCondition =
  | { readonly kind: "and" | "or"; readonly left: RandomCondition; readonly right: RandomCondition }
  | { readonly kind: "not"; readonly of: RandomCondition }
  | { readonly kind: "equal"; readonly left: RandomOperand; readonly right: RandomOperand }
  | { readonly kind: "in"; readonly left: RandomOperand; readonly right: RandomList };

type RandomOperand =
  | { readonly of: "text"; readonly value: string }
  | { readonly of: "event" | "subject"; readonly name: string };

type RandomList =
  | { readonly of: "list"; readonly values: readonly string[] }
  | { readonly of: "subject"; readonly name: string };

export interface RandomRole {
  readonly name: string;
  readonly inherits: readonly string[];
  readonly allow: readonly RandomRule[];
  readonly deny: readonly RandomRule[];
}

/** A document of tenant `acme`. */
export interface RandomPolicy {
  readonly tenant: string;
  readonly roles: readonly RandomRole[];
  readonly bindings: readonly { readonly role: string; readonly subjects: readonly string[] }[];
  readonly attributes: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A subject with a token's claims, and an event to see. */
export interface RandomQuestion {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly permission: string;
  readonly topic: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Prefixes of each other, and what other objects answer to. */
const ROLES = ["a", "aa", "a-", "a,b", "r@1", "constructor"];
const SUBJECTS = ["me", "m", "me-", "x", "toString", "x1"];
const GROUPS = ["ops", "op", "me"];
/** They carry the separators of topics, permissions, grants and bindings, and letters of other scripts; one is no name. */
const ODD_NAMES = ["group:ops", "me@x", "m.e", "*", ">", "mé", "x,a", "", "group:me", "m%65", "me "];
const NAMES = ["team", "t", "eam", "constructor"];
const EVENT_NAMES = ["region", "r", "constructor", "id"];
const VALUES = ["x", "y", "me", "x1", "x.y", "*", "é😀", "a,b@c", "'", '\\"', "", "acme"];

const value = fc.constantFrom(...VALUES);
const permission = fc.constantFrom("a:read", "a:read", "a:write", "ab:read", "a:read:deep", "a:read:deep:er", "b:read");
const permissionPattern = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("a:read", "a:*", "*:*", "*:*", "*:read", "ab:*", "a:read:*") },
  fc.constantFrom("*:*:deep", "a:*:deep", "*:read:*:er", "b:read", "a:write", "*:*:*"),
);
const topicToken = fc.constantFrom("x", "y", "x1", "*", "me", "{sub}", "{tenant}", "{team}", "{t}");
const topicPattern = fc
  .tuple(fc.array(topicToken, { minLength: 1, maxLength: 3 }), fc.constantFrom("x", "*", ">", "{sub}", "{team}"))
  .filter(([first, last]) => [...first, last].filter((token) => token.startsWith("{t")).length <= 3)
  .map(([first, last]) => [...first, last].join("."));
const topic = fc
  .array(fc.constantFrom("x", "y", "x1", "me", "m", "acme", "me-", "me%40x", "x%2Ey", "m%C3%A9", "%2A"), {
    minLength: 2,
    maxLength: 5,
  })
  .map((parts) => parts.join("."));

const eventOperand = fc.constantFrom(...EVENT_NAMES).map((name): RandomOperand => ({ of: "event", name }));
const subjectOperand = fc.constantFrom(...NAMES, "id").map((name): RandomOperand => ({ of: "subject", name }));
const text = value.map((each): RandomOperand => ({ of: "text", value: each }));
const literals = fc.array(value, { maxLength: 3 }).map((values): RandomList => ({ of: "list", values }));
const subjectList = fc.constantFrom(...NAMES).map((name): RandomList => ({ of: "subject", name }));

const { condition } = fc.letrec<{ condition: RandomCondition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthIdentifier: "condition" },
    fc.oneof(
      fc.record({
        kind: fc.constant("equal" as const),
        left: eventOperand,
        right: fc.oneof(text, subjectOperand, eventOperand),
      }),
      fc.record({ kind: fc.constant("equal" as const), left: fc.oneof(text, subjectOperand), right: subjectOperand }),
      fc.record({ kind: fc.constant("in" as const), left: eventOperand, right: fc.oneof(literals, subjectList) }),
      fc.record({ kind: fc.constant("in" as const), left: fc.oneof(text, subjectOperand), right: subjectList }),
    ),
    fc.record({ kind: fc.constant("not" as const), of: tie("condition") }),
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      left: tie("condition"),
      right: tie("condition"),
    }),
  ),
}));

const rule: fc.Arbitrary<RandomRule> = fc.record({
  permission: permissionPattern,
  topic: fc.option(fc.oneof(topicPattern, topicPattern, fc.constantFrom("*.*", "*.>")), { nil: undefined, freq: 2 }),
  when: fc.option(condition, { nil: undefined, freq: 2 }),
});

/** One without a limit would leave nothing to see. */
const denial = rule.filter(({ topic: limit, when }) => (limit ?? when) !== undefined && limit !== "*.>");

/** Roles inherit only from those before them, so that every document is valid. */
const roles = fc
  .array(
    fc.record({
      parents: fc.array(fc.nat(4), { maxLength: 2 }),
      allow: fc.array(rule, { minLength: 1, maxLength: 4 }),
      deny: fc.oneof(fc.constant([]), fc.array(denial, { minLength: 1, maxLength: 2 })),
    }),
    { minLength: 1, maxLength: ROLES.length },
  )
  .map((all): RandomRole[] =>
    all.map(({ parents, allow, deny }, index) => {
      const inherits = parents.filter((parent) => parent < index).map((parent) => ROLES[parent] ?? "");
      return { name: ROLES[index] ?? "", inherits, allow, deny };
    }),
  );

const bindable = fc.constantFrom(
  ...SUBJECTS,
  "me@x",
  "m.e",
  "*",
  "mé",
  "x,a",
  ...GROUPS.map((name) => `group:${name}`),
  "subject:group:ops",
);
const somebody = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...SUBJECTS) }, fc.constantFrom(...ODD_NAMES));

/** Policies of tenant `acme`. */
export const randomPolicy: fc.Arbitrary<RandomPolicy> = roles.chain((all) =>
  fc.record({
    tenant: fc.constant("acme"),
    roles: fc.constant(all),
    bindings: fc.array(
      fc.record({
        role: fc.constantFrom(...all.map(({ name }) => name)),
        subjects: fc.array(bindable, { minLength: 1, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    attributes: fc.dictionary(
      bindable,
      fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(value, fc.array(value, { maxLength: 3 })), { maxKeys: 3 }),
      { maxKeys: 6 },
    ),
  }),
);

/** Questions about them. */
export const randomQuestion: fc.Arbitrary<RandomQuestion> = fc.record({
  subject: somebody,
  roles: fc.array(fc.constantFrom(...ROLES, "nobody"), { maxLength: 3 }),
  groups: fc.array(fc.constantFrom(...GROUPS), { maxLength: 2 }),
  permission,
  topic,
  attributes: fc.dictionary(fc.constantFrom(...EVENT_NAMES), value, { maxKeys: 3 }),
});

/** A policy as a document. */
export function documentOf({ tenant, roles: all, bindings, attributes }: RandomPolicy): string {
  const named = all.map(({ name, inherits, allow, deny }) => [
    name,
    { inherits, allow: allow.map(spellRule), deny: deny.map(spellRule) },
  ]);
  return JSON.stringify({ tenant, roles: Object.fromEntries(named), bindings, attributes });
}

function spellRule({ permission: pattern, topic: limit, when }: RandomRule): string | object {
  const spelt = limit === undefined ? pattern : `${pattern}@${limit}`;
  return when === undefined ? spelt : { rule: spelt, when: spellCondition(when) };
}

function spellCondition(when: RandomCondition): string {
  switch (when.kind) {
    case "and":
    case "or":
      return `(${spellCondition(when.left)}) ${when.kind} (${spellCondition(when.right)})`;
    case "not":
      if (when.of.kind === "equal") return `${spellOperand(when.of.left)} != ${spellOperand(when.of.right)}`;
      if (when.of.kind === "in") return `${spellOperand(when.of.left)} not in ${spellList(when.of.right)}`;
      return `not (${spellCondition(when.of)})`;
    case "equal":
      return `${spellOperand(when.left)} == ${spellOperand(when.right)}`;
    case "in":
      return `${spellOperand(when.left)} in ${spellList(when.right)}`;
  }
}

function spellOperand(operand: RandomOperand): string {
  return operand.of === "text" ? spellText(operand.value) : `${operand.of}.${operand.name}`;
}

function spellList(list: RandomList): string {
  return list.of === "list" ? `[${list.values.map(spellText).join(", ")}]` : `subject.${list.name}`;
}

function spellText(each: string): string {
  return `"${each.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
