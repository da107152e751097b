import { z } from "zod";
import { parseScope } from "../protocol/scope.ts";
import { nameSchema } from "./name-schema.ts";

/** The versions of the format of stored records. A record of a later one is left alone; one has the least that has all its fields. */
export const RECORD_FORMAT = { plain: 1, callback: 2, owed: 3 } as const;

/** The address of a callback has no more. */
export const MAX_URL_CHARACTERS = 2_048;

/** Why an event is delivered no more. */
export const DEAD_REASONS = ["not_acknowledged", "refused", "denied"] as const;

/** The value that stands where a subscription was deleted, until the store forgets it. */
export const DELETED_RECORD = JSON.stringify({ v: RECORD_FORMAT.plain, deleted: true });

/** Why events may be missing, and why no position of before means anything. */
const GAP_REASONS = ["retention", "purged", "erased"] as const;
const RESET_REASONS = ["epoch", "tail_lost", "unknown_id"] as const;

const seqSchema = z.int().min(0);
const tagSchema = z.string().regex(/^[a-z0-9]{1,16}$/);
const timeSchema = z.int();

/** A position, as it goes from edge to edge. */
export const positionSchema = z.strictObject({ seq: seqSchema, tag: tagSchema });

/** Where a subscription is delivered to instead of a stream. `secretRef` names a secret, and `scope` is what the owner's token was limited to. */
const callbackSchema = z.strictObject({
  url: z.url().max(MAX_URL_CHARACTERS),
  secretRef: nameSchema,
  scope: z
    .string()
    .refine((text) => parseScope(text) !== undefined)
    .optional(),
});

/** What a subscription's owner asked for, as it is stored: topic patterns, each with the sequence behind which its events count. */
export const definitionSchema = z.strictObject({
  topics: z.record(z.string(), seqSchema),
  window: z.int().min(1),
  ackWaitMs: z.int().min(1),
  backoffMs: z.array(z.int().min(0)),
  maxDeliver: z.int().min(1),
  ttlSeconds: z.int().min(1),
  deliver: callbackSchema.optional(),
});

/** The client was told when it had been sent no event behind this sequence; left out while it is yet to be told. */
const toldSchema = { toldBehind: seqSchema.optional() };

/** What a client must be told before anything else is delivered: that events behind a position may be missing, or that the log is another one. */
const lossSchema = z.discriminatedUnion("event", [
  z.strictObject({ event: z.literal("gap"), after: positionSchema, reason: z.enum(GAP_REASONS), ...toldSchema }),
  z.strictObject({ event: z.literal("reset"), reason: z.enum(RESET_REASONS), ...toldSchema }),
]);

/** The record of a durable subscription, as it is stored. */
export const storedRecordSchema = z.strictObject({
  v: z.literal(Object.values(RECORD_FORMAT)),
  definition: definitionSchema,
  revision: z.int().min(1),
  paused: z.union([timeSchema, z.literal("resumed")]).optional(),
  epoch: z.string().min(1).max(32),
  /** Everything up to it was looked at: sequence and tag. */
  through: z.tuple([seqSchema, tagSchema]),
  /** Delivered and not acknowledged: sequence, tag, deliveries used up, and when the time to acknowledge ends. */
  open: z.array(z.tuple([seqSchema, tagSchema, z.int().min(0), timeSchema])),
  /** Delivered no more: sequence, tag, deliveries used up, and why. */
  dead: z.array(z.tuple([seqSchema, tagSchema, z.int().min(1), z.enum(DEAD_REASONS)])),
  /** Acknowledged though they stand behind `through`: sequence and tag. */
  early: z.array(z.tuple([seqSchema, tagSchema])),
  reach: seqSchema,
  /** A loss that the client is not known to know of. */
  owed: lossSchema.optional(),
  holder: z.strictObject({ connectionId: z.string().min(1), client: z.string().optional() }).optional(),
  /** Why a callback does not take what it is sent. */
  failure: z.strictObject({ at: timeSchema, reason: z.string() }).optional(),
  puts: z.int().min(0),
  createdAt: timeSchema,
  seenAt: timeSchema,
});

export type StoredSubscription = z.infer<typeof storedRecordSchema>;

/** Whether what a record says under `paused` keeps it from being delivered at this time, in milliseconds since 1970. */
export function isPaused(paused: StoredSubscription["paused"], now: number): boolean {
  return paused === "resumed" || (paused !== undefined && now < paused);
}
