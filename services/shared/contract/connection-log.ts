import { z } from "zod";
import { TRANSPORTS } from "../protocol/transports.ts";
import { freeNameSchema, nameSchema } from "./name-schema.ts";
import { subjectKey } from "./subject-key.ts";

/** The stream of the connection log, which policy makes and the edges write: who was connected when, for a day. */
export const CONNECTIONS_STREAM = "CONNECTIONS";

/** All entries together. */
export const ALL_CONNECTIONS = "connections.>";

/** What an entry may tell of a stream. */
export const CONNECTION_EVENTS = ["opened", "changed", "ended"] as const;

export type ConnectionEvent = (typeof CONNECTION_EVENTS)[number];

/** The subject of a person's entries of one kind; `*` for the kind stands for all of them. */
export function connectionSubject(tenant: string, subject: string, event: ConnectionEvent | "*"): string {
  return `connections.${subjectKey(tenant, subject)}.${event}`;
}

/** The subject of all entries of a tenant. */
export function tenantConnections(tenant: string): string {
  return `connections.${tenant}.*.*`;
}

/** Topics beyond this length of all together are left out of an entry: one person's streams must not push out everybody else's. */
export const MAX_TOPICS_CHARACTERS = 4_000;

const topicsSchema = z.array(z.object({ topic: z.string(), granted: z.boolean() })).max(100);

/** A place in the tenant's log as an event id writes it. */
const idSchema = z.string().max(128);

const common = {
  /** When, by the edge's clock. */
  at: z.iso.datetime(),
  tenant: nameSchema,
  subject: freeNameSchema,
  connectionId: nameSchema,
};

const topics = {
  topics: topicsSchema,
  /** So many more topics had no room. */
  topicsLeftOut: z.int().min(1).optional(),
};

/** A stream was accepted. Events behind `from` are delivered to it. */
const openedSchema = z.object({
  event: z.literal("opened"),
  ...common,
  sid: nameSchema,
  requestId: z.string().max(128),
  traceId: z.string().max(32).optional(),
  /** The road that its frames come by; entries of older edges do not say it. */
  transport: z.enum(TRANSPORTS).optional(),
  /** The client id it was opened with. */
  client: z.string().max(64).optional(),
  /** The durable subscription it delivers. */
  subscription: z.string().max(64).optional(),
  address: z.string().max(64),
  userAgent: z.string().max(256).optional(),
  ...topics,
  from: idSchema,
  /** It was resumed from an id of its own; otherwise it began now, or where `from` said. */
  isResumed: z.boolean(),
});

/** Its topics, or what is granted of them, are these for events behind `from`. */
const changedSchema = z.object({ event: z.literal("changed"), ...common, ...topics, from: idSchema });

/** It ended. Every entry up to `through` was written to its socket, or decided not to be for it. */
const endedSchema = z.object({
  event: z.literal("ended"),
  ...common,
  /** The reason that its client was sent, or `gone`, or `fault`. */
  reason: z.string().max(32),
  openedAt: z.iso.datetime(),
  through: idSchema,
  events: z.int().min(0),
  bytes: z.int().min(0),
});

/** An entry of the connection log. It holds no token and no payload. What a later edge has added to it is passed over. */
export const connectionEntrySchema = z.discriminatedUnion("event", [openedSchema, changedSchema, endedSchema]);

export type ConnectionEntry = z.infer<typeof connectionEntrySchema>;
