import { z } from "zod";
import { MAX_DEAD_NAMED } from "#shared/contract/edge-questions.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { deadSchemaOf, pauseSchema } from "#shared/contract/subscription-calls.ts";
import { DEAD_REASONS } from "#shared/contract/subscription-record.ts";
import type { SubscriptionView } from "#shared/contract/subscription-view.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { type CallDescription, describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { ADMIN_ERRORS, TENANT, TENANT_ERRORS, TENANT_SUBJECT } from "./admin-calls.ts";
import { limitSchema } from "./parameters.ts";

/** The most subscriptions in one answer. */
export const MAX_SUBSCRIPTIONS = 200;

/** The body of a call about dead letters. */
export const deadSchema = deadSchemaOf(z.array(z.string().max(128)).min(1).max(MAX_DEAD_NAMED), MAX_DEAD_NAMED);

const countSchema = z.int().min(0);

const viewSchema = z
  .object({
    subject: z.string(),
    name: z.string(),
    state: z.enum(["active", "paused", "expired", "archived", "unreadable"]),
    topics: z.array(z.string()),
    pausedUntil: z.string().nullable(),
    window: countSchema,
    maxDeliver: countSchema,
    ackWaitMs: countSchema,
    pending: countSchema.nullable(),
    open: countSchema,
    redelivered: countSchema,
    dead: countSchema,
    floor: z.string(),
    holder: z.object({ connectionId: z.string(), client: z.string().nullable() }).nullable(),
    webhook: z
      .object({
        host: z.string(),
        failure: z.object({ at: z.string(), reason: z.string() }).nullable(),
        breaker: z.object({ resting: z.boolean(), failures: countSchema }).nullable(),
      })
      .nullable(),
    createdAt: z.string(),
    seenAt: z.string(),
  } satisfies Record<keyof SubscriptionView, z.ZodType>)
  .meta({ id: "SubscriptionView" });

const held = { id: z.string(), deliveries: countSchema, topic: z.string().nullable(), at: z.string().nullable() };

const detailsSchema = z
  .object({
    subscription: viewSchema,
    open: z.array(z.object({ ...held, dueAt: z.string() })),
    dead: z.array(z.object({ ...held, reason: z.enum(DEAD_REASONS) })),
    next: z.string().optional(),
    partial: z.boolean(),
  })
  .meta({ id: "SubscriptionDetails" });

const listSchema = z
  .object({ subscriptions: z.array(viewSchema), next: z.string().optional(), partial: z.boolean() })
  .meta({ id: "SubscriptionList" });

const OF_SUBJECT = { subject: freeNameSchema.describe("Whose; everybody's without it.") };
const AFTER = z.string().max(1_152).describe("The `next` of the page before.");
const NOWHERE = { path: { tenant: "acme", subject: "ann", name: "billing" }, status: 404 };
const DETAILS = { 200: jsonAnswer("The subscription with what it holds.", detailsSchema) };

function ofOne(
  own: Pick<CallDescription, "id" | "summary"> & Partial<CallDescription>,
): ReturnType<typeof describeCall> {
  return describeCall({
    tag: "Durable subscriptions",
    by: BY_EXPLICIT_TOKEN,
    path: { ...TENANT_SUBJECT, name: nameSchema },
    answers: DETAILS,
    errors: [...TENANT_ERRORS, "not_found"],
    example: NOWHERE,
    ...own,
  });
}

/** Each call of an administrator about people's durable subscriptions, by what it does. */
export const SUBSCRIPTION_CALLS = {
  list: ofOne({
    id: "listSubscriptions",
    summary: "Lists the durable subscriptions of a tenant, by person and name",
    path: TENANT,
    query: { ...OF_SUBJECT, after: AFTER, limit: limitSchema(MAX_SUBSCRIPTIONS) },
    answers: { 200: jsonAnswer("A page of subscriptions.", listSchema) },
    errors: TENANT_ERRORS,
    example: { path: { tenant: "acme" }, status: 200 },
  }),
  deleteAll: ofOne({
    id: "deleteSubscriptionsOfTenant",
    summary: "Deletes the durable subscriptions of a tenant, or of one of its people",
    path: TENANT,
    query: OF_SUBJECT,
    answers: { 200: jsonAnswer("How many were deleted.", z.object({ deleted: countSchema })) },
    errors: [...ADMIN_ERRORS, "unsupported_parameter"],
    example: { path: { tenant: "acme" }, query: { subject: "ann" }, status: 200 },
  }),
  look: ofOne({
    id: "getSubscription",
    summary: "Reads a durable subscription with the events that it has open, and its dead letters",
    query: { after: z.string().max(128).describe("Dead letters begin behind this id.") },
  }),
  pause: ofOne({
    id: "pauseSubscription",
    summary: "Has a durable subscription deliver nothing, until a time or until it is resumed",
    body: { ...jsonBody(pauseSchema), isOptional: true },
  }),
  resume: ofOne({ id: "resumeSubscription", summary: "Has a durable subscription deliver again" }),
  redeliver: ofOne({
    id: "redeliverDeadLetters",
    summary: "Has dead letters delivered once more",
    body: jsonBody(deadSchema),
    example: { ...NOWHERE, body: { all: true } },
  }),
  drop: ofOne({
    id: "dropDeadLetters",
    summary: "Drops dead letters for good",
    body: jsonBody(deadSchema),
    example: { ...NOWHERE, body: { all: true } },
  }),
  delete: ofOne({
    id: "deleteSubscription",
    summary: "Deletes a durable subscription; its stream ends",
    answers: { 204: { is: "It is deleted." } },
  }),
} as const;
