import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { patternTextSchema } from "#shared/contract/topic-schema.ts";

/** The most topic patterns of one subscription. */
export const MAX_TOPICS = 100;

/** The longest path of a resource. */
export const MAX_PATH_CHARACTERS = 2_048;

/** The most topics whose presence one stream watches. */
export const MAX_PRESENCE_TOPICS = 10;

/** The most padding before the first frame, in bytes. */
export const MAX_PAD_BYTES = 8_192;

/** The longest that a poll waits, in seconds: proxies give up after 30, as many are set up. */
export const MAX_WAIT_SECONDS = 25;

const numberSchema = z.string().regex(/^\d{1,4}$/);

/** The parameters of a request for a stream. There is none beside them: an unknown one is refused. */
export const STREAM_PARAMETERS = {
  topic: z.array(patternTextSchema).max(MAX_TOPICS).describe("Topic patterns: `order.*`, `order.created.>`."),
  resource: z
    .array(z.string().startsWith("/").max(MAX_PATH_CHARACTERS))
    .max(MAX_TOPICS)
    .describe("Paths that the tenant's routes map to topics, beside `topic` or instead."),
  lastEventId: z.string().max(128).describe("Resumes behind this id; the header Last-Event-ID counts before it."),
  from: z.string().describe("Without an id: `now`, which is the default, `earliest`, or a time (RFC 3339)."),
  format: z.enum(["raw", "cloudevents"]).describe("The payload as published, or a CloudEvent around it."),
  events: z.enum(["message", "named"]).describe("Whether frames of events name the type of the event."),
  client: nameSchema.describe("The stable id of a tab or device, under which its topics are kept."),
  presence: z
    .array(patternTextSchema.or(z.literal("none")))
    .max(MAX_PRESENCE_TOPICS + 1)
    .describe("Topics of which the stream is told who listens; `none` hides its own person."),
  subscription: nameSchema.describe("The durable subscription to deliver; its topics and its place are the record's."),
  takeover: z.enum(["true", "false"]).describe("Whether the stream takes the subscription from another one."),
  pad: numberSchema.describe(
    `Bytes of padding before the first frame, up to ${MAX_PAD_BYTES}, against proxies that buffer.`,
  ),
} as const;

const { subscription: _, takeover: __, ...POLLABLE } = STREAM_PARAMETERS;

/** The parameters of a poll: those of a stream, but for durable subscriptions and what one is told of presence. */
export const POLL_PARAMETERS = {
  ...POLLABLE,
  presence: z.literal("none").describe("Hides the poll's own person from presence."),
  wait: numberSchema.describe(`Seconds to wait for something, up to ${MAX_WAIT_SECONDS}, which is the default.`),
} as const;
