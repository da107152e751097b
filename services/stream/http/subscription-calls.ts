import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { deadSchemaOf, pauseSchema } from "#shared/contract/subscription-calls.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { type CallDescription, describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { wishSchema } from "../subscription/parse-wish.ts";
import { deadLettersSchema, subscriptionSchema, subscriptionsSchema } from "./edge-answers.ts";

/** The most ids in one call. */
const MAX_IDS = 10_000;

/** The most dead letters in one answer. */
export const MAX_DEAD_LETTERS = 100;

/** The most milliseconds that an event may be put off. */
const MAX_DELAY_MS = 24 * 3_600_000;

const idsSchema = z.array(z.string().max(128)).max(MAX_IDS);

/** The body of a call that acknowledges events. */
export const acksSchema = z.union([z.strictObject({ ids: idsSchema }), z.strictObject({ upTo: z.string().max(128) })], {
  error: `must be {"ids": […]} with up to ${MAX_IDS} ids, or {"upTo": "<id>"}`,
});

/** The body of a call that wants events again. */
export const nacksSchema = z.strictObject({ ids: idsSchema, delayMs: z.int().min(0).max(MAX_DELAY_MS).default(0) });

/** The body of a call about dead letters. */
export const deadSchema = deadSchemaOf(idsSchema, MAX_IDS);

const NAME = { name: nameSchema };
const ERRORS = [...TOKEN_ERRORS, "too_many_requests"] as const;
const OF_ONE = [...ERRORS, "forbidden", "not_found", "subscription_unreadable", "subscription_has_callback"] as const;
const EXAMPLE = { path: { name: "billing" } };
const ETAG = { ETag: "The revision." };

function ofOne(
  own: Pick<CallDescription, "id" | "summary" | "answers"> & Partial<CallDescription>,
): ReturnType<typeof describeCall> {
  const example = { ...EXAMPLE, status: 200 };
  return describeCall({ tag: "Durable subscriptions", by: BY_TOKEN, path: NAME, errors: OF_ONE, example, ...own });
}

const THE_SUBSCRIPTION = { 200: jsonAnswer("The subscription.", subscriptionSchema, ETAG) };
const IDS = { ids: ["d2f3b106f528.2884.152elnb"] };

/** Each call about durable subscriptions, by what it does. */
export const SUBSCRIPTION_CALLS = {
  define: ofOne({
    id: "putSubscription",
    summary: "Makes a durable subscription, or changes one",
    headers: {
      "if-match": z.string().describe("The revision that may be replaced."),
      "if-none-match": z.literal("*").describe("The subscription must be new."),
    },
    body: jsonBody(wishSchema),
    answers: { ...THE_SUBSCRIPTION, 201: jsonAnswer("It is made.", subscriptionSchema, ETAG) },
    errors: [
      ...ERRORS,
      "forbidden",
      "malformed_topic",
      "no_topic_granted",
      "tenant_suspended",
      "tenant_unknown",
      "version_conflict",
      "limit_exceeded",
      "callback_refused",
      "subscription_unreadable",
      "subscription_has_callback",
    ],
    example: { ...EXAMPLE, body: { topics: ["order.*"], window: 50 }, status: 201 },
  }),
  list: ofOne({
    id: "listSubscriptions",
    summary: "Lists one's durable subscriptions",
    path: {},
    answers: { 200: jsonAnswer("The subscriptions.", subscriptionsSchema) },
    errors: [...ERRORS, "subscription_unreadable"],
    example: { status: 200 },
  }),
  look: ofOne({ id: "getSubscription", summary: "Reads a durable subscription", answers: THE_SUBSCRIPTION }),
  delete: ofOne({
    id: "deleteSubscription",
    summary: "Deletes a durable subscription; its stream ends",
    answers: { 204: { is: "It is deleted." } },
    example: { ...EXAMPLE, status: 204 },
  }),
  pause: ofOne({
    id: "pauseSubscription",
    summary: "Has a durable subscription deliver nothing, until a time or until it is resumed",
    body: { ...jsonBody(pauseSchema), isOptional: true },
    answers: THE_SUBSCRIPTION,
  }),
  resume: ofOne({
    id: "resumeSubscription",
    summary: "Has a durable subscription deliver again",
    answers: THE_SUBSCRIPTION,
  }),
  acknowledge: ofOne({
    id: "acknowledgeEvents",
    summary: "Acknowledges events: they do not come again",
    body: jsonBody(acksSchema),
    answers: { 204: { is: "It is stored. Ids that are foreign, repeated or not delivered yet change nothing." } },
    example: { ...EXAMPLE, body: IDS, status: 204 },
  }),
  refuse: ofOne({
    id: "refuseEvents",
    summary: "Wants events again, at once or after a delay",
    body: jsonBody(nacksSchema),
    answers: { 204: { is: "It is stored." } },
    example: { ...EXAMPLE, body: { ...IDS, delayMs: 1_000 }, status: 204 },
  }),
  listDead: ofOne({
    id: "listDeadLetters",
    summary: "Lists the events whose deliveries are used up",
    query: { after: z.string().max(128).describe("The `next` of the page before.") },
    answers: { 200: jsonAnswer("A page of dead letters.", deadLettersSchema) },
  }),
  redeliver: ofOne({
    id: "redeliverDeadLetters",
    summary: "Has dead letters delivered again",
    body: jsonBody(deadSchema),
    answers: THE_SUBSCRIPTION,
    example: { ...EXAMPLE, body: { all: true }, status: 200 },
  }),
  drop: ofOne({
    id: "dropDeadLetters",
    summary: "Drops dead letters for good",
    body: jsonBody(deadSchema),
    answers: THE_SUBSCRIPTION,
    example: { ...EXAMPLE, body: { all: true }, status: 200 },
  }),
} as const;
