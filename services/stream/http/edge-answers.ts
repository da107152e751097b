import { z } from "zod";
import { TRANSPORTS } from "#shared/protocol/transports.ts";
import { jsonFrameSchema, topicGrantSchema } from "#shared/contract/frame-schemas.ts";

const countSchema = z.int().min(0);

/** What the edge offers a client before it opens a stream. */
export const capabilitiesSchema = z
  .object({
    transports: z.array(z.enum(TRANSPORTS)).describe("Those that are on for the caller."),
    heartbeatMs: countSchema.describe("At least one frame comes within so many milliseconds."),
    retryMs: z.object({ min: countSchema }),
    limits: z.object({
      topicsPerStream: countSchema,
      presenceTopicsPerStream: countSchema,
      eventMaxBytes: countSchema,
      padMaxBytes: countSchema,
    }),
    pollWaitMaxSeconds: countSchema,
    regions: z
      .array(
        z.object({
          name: z.string(),
          url: z.url(),
          here: z.literal(true).optional().describe("This edge is in it."),
        }),
      )
      .describe("The regions whose edges serve the same tenants; none where there is one alone."),
  })
  .meta({ id: "Capabilities" });

/** The answer to a poll. */
export const polledSchema = z
  .object({
    frames: z.array(jsonFrameSchema.meta({ id: "Frame" })),
    next: z.string().describe("What the next poll sends as Last-Event-ID; empty is none."),
  })
  .meta({ id: "Polled" });

/** The topics of a stream, once they have changed. */
export const topicsChangedSchema = z
  .object({ topics: z.array(topicGrantSchema), effectiveFrom: z.string() })
  .meta({ id: "TopicsChanged" });

/** A stream goes on by another token; with a token that is bound to it, where that was asked for. */
export const reboundSchema = z
  .object({
    expiresAt: z.iso.datetime(),
    access_token: z.string().optional(),
    expires_in: z.int().optional(),
  })
  .meta({ id: "Rebound" });

/** A person's clients. */
export const clientsSchema = z
  .object({ clients: z.array(z.object({ client: z.string(), last_used_at: z.iso.datetime() })) })
  .meta({ id: "Clients" });

/** What is kept of a client's topics. */
export const clientTopicsSchema = z
  .object({
    client: z.string(),
    added: z.array(z.object({ topic: z.string(), effectiveFrom: z.string() })),
    removed: z.array(z.string()),
  })
  .meta({ id: "ClientTopics" });

const personSchema = z.object({ subject: z.string(), since: z.iso.datetime(), devices: countSchema });

/** Who listens to a topic, or how many do. */
export const presenceSchema = z
  .union([
    z.object({
      topic: z.string(),
      people: z.array(personSchema),
      next: z.string().optional(),
      partial: z.boolean(),
    }),
    z.object({
      topic: z.string(),
      count: z.object({ people: countSchema, devices: countSchema }),
      partial: z.boolean(),
    }),
  ])
  .meta({ id: "Presence" });

/** Whether a person listens, and to what. */
export const personPresenceSchema = z
  .object({
    subject: z.string(),
    online: z.boolean(),
    since: z.iso.datetime().optional(),
    devices: countSchema,
    topics: z.array(z.string()).optional(),
    partial: z.boolean(),
  })
  .meta({ id: "PersonPresence" });

/** A durable subscription as its owner sees it. */
export const subscriptionSchema = z
  .object({
    name: z.string(),
    state: z.string(),
    topics: z.array(z.string()),
    window: countSchema,
    ackWaitMs: countSchema,
    backoffMs: z.array(countSchema),
    maxDeliver: countSchema,
    ttl: countSchema,
    deliver: z.object({ url: z.string(), secretRef: z.string(), scope: z.string().optional() }).optional(),
    failure: z.object({ at: z.string(), reason: z.string() }).nullable().optional(),
    revision: countSchema,
    pausedUntil: z.iso.datetime().nullable().optional(),
    through: z.string(),
    pending: countSchema.nullable(),
    open: countSchema,
    dead: countSchema,
    holder: z.object({ connectionId: z.string(), client: z.string().nullable() }).nullable(),
    createdAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
  })
  .meta({ id: "Subscription" });

/** All of one's durable subscriptions. */
export const subscriptionsSchema = z
  .object({ subscriptions: z.array(subscriptionSchema) })
  .meta({ id: "Subscriptions" });

/** A page of the dead letters of a durable subscription. */
export const deadLettersSchema = z
  .object({
    dead: z.array(z.object({ id: z.string(), deliveries: countSchema, reason: z.string() })),
    next: z.string().optional(),
  })
  .meta({ id: "DeadLetters" });
