import { z } from "zod";
import { LINKS } from "../explain/link.ts";
import { SUGGESTION_KINDS } from "../explain/suggestion.ts";
import { effectSchema } from "./policy-answers.ts";

const ruleSchema = z.object({ role: z.string(), effect: z.enum(["allow", "deny"]), rule: z.string() });

/** What a subject may do, and the rule that says so. */
export const checkedSchema = z
  .object({ allow: z.boolean(), version: z.int().min(0), rule: ruleSchema.nullable() })
  .meta({ id: "Checked" });

const explanation = {
  allow: z.boolean(),
  permission: z.string().nullable(),
  topic: z.string().nullable(),
  rule: ruleSchema.nullable(),
  because: z.string(),
  roles: z.array(z.object({ role: z.string(), via: z.array(z.string()) })),
  considered: z.array(ruleSchema.extend({ holds: z.boolean(), because: z.string(), via: z.array(z.string()) })),
  more: z.int().min(0),
};

const holdsSchema = z.object({
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  from: z.enum(["request", "auth", "nobody"]),
});

/** A decision with all that led to it. */
export const explanationSchema = z
  .object({ version: z.int().min(0), source: z.enum(["cache", "store"]), holds: holdsSchema, ...explanation })
  .meta({ id: "Explanation" });

const answerSchema = z.enum(["yes", "no", "unknown"]);
const findingSchema = z.object({ answer: answerSchema, evidence: z.array(z.string()) });
const decidedSchema = z.union([
  z.object({ version: z.int().min(0), ...explanation, mask: z.array(z.string()).nullable() }),
  z.object({ unknown: z.string() }),
]);
const nearSchema = z.object({ id: z.string(), sequence: z.int(), storedAt: z.string() });
const maskedSchema = z.array(z.string()).nullable();

/** Why a person did or did not get an event, link by link. */
export const eventExplanationSchema = z
  .object({
    subject: z.string(),
    holds: holdsSchema,
    event: z.looseObject({ state: z.string(), topic: z.string().optional(), nearest: z.array(nearSchema).optional() }),
    chain: z.array(
      findingSchema.extend({
        link: z.enum(LINKS),
        title: z.string(),
        at: z.string().optional(),
        connectionId: z.string().optional(),
        now: findingSchema,
      }),
    ),
    firstNo: z.enum(LINKS).nullable(),
    suggestion: z
      .object({
        kind: z.enum(SUGGESTION_KINDS),
        text: z.string(),
        call: z.looseObject({ method: z.literal("PUT"), path: z.string() }).nullable(),
        effects: z.array(effectSchema),
        more: z.int().min(0),
      })
      .optional(),
    masked: z.object({ whenPublished: maskedSchema, now: maskedSchema }),
    whenPublished: decidedSchema.optional(),
    now: decidedSchema.optional(),
  })
  .meta({ id: "EventExplanation" });
