import { z } from "zod";
import { TRANSPORTS } from "../protocol/transports.ts";
import { freeNameSchema, nameSchema } from "./name-schema.ts";

/**
 * What policy asks the edges, all workers at once: a bus request with an `EdgeQuestion` as JSON. Each worker answers once with an
 * `EdgeAnswer` that fits a message of the bus.
 */
export const ASK_EDGES = "edge.ask";

/** The most streams that one answer tells of. */
export const MAX_CONNECTIONS_LISTED = 500;

/** The most events that `reach` is asked about at once. */
export const MAX_REACH_ASKED = 500;

/** The most dead letters that one command names by their ids. */
export const MAX_DEAD_NAMED = 100;

/** The most hosts of webhooks that one answer tells of. */
export const MAX_HOSTS_LISTED = 200;

/** The most rows of what clients have reported that one answer tells. */
export const CLIENT_HEALTH_ROWS = 1_000;

/** The longest times to a first event that are counted together, in milliseconds; longer ones have a place behind these. */
export const FIRST_EVENT_MS = [
  50, 100, 150, 200, 300, 400, 600, 800, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 30_000,
] as const;

/** What an operator may have done to a durable subscription. `dead`: which of its dead letters. */
export const operatorCommandSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("pause"), until: z.union([z.int(), z.literal("resumed")]) }),
  z.strictObject({ do: z.literal("resume") }),
  z.strictObject({
    do: z.enum(["redeliver", "drop"]),
    dead: z.union([z.literal("all"), z.array(z.string().max(128)).min(1).max(MAX_DEAD_NAMED)]),
  }),
  z.strictObject({ do: z.literal("delete") }),
]);

export type OperatorCommand = z.infer<typeof operatorCommandSchema>;

export const edgeQuestionSchema = z.discriminatedUnion("ask", [
  /** The open streams of a tenant or of all, of one person or of all, in the order of their ids behind `after`. */
  z.strictObject({
    ask: z.literal("connections"),
    tenant: nameSchema.optional(),
    subject: freeNameSchema.optional(),
    connectionId: nameSchema.optional(),
    after: z.string().max(64),
    limit: z.int().min(1).max(MAX_CONNECTIONS_LISTED),
  }),
  /** How the worker is. */
  z.strictObject({ ask: z.literal("nodes") }),
  /** Whom the events at these sequences of a tenant's log reached here. */
  z.strictObject({
    ask: z.literal("reach"),
    tenant: nameSchema,
    epoch: z.string().max(32),
    seqs: z.array(z.int().min(0)).min(1).max(MAX_REACH_ASKED),
  }),
  /** Ends one stream with `bye`; its client comes back. Other workers answer `{closed: false}`. */
  z.strictObject({ ask: z.literal("close"), tenant: nameSchema, connectionId: nameSchema }),
  /** What clients have reported to the worker of late. */
  z.strictObject({ ask: z.literal("clients") }),
  /** How the durable subscriptions of a tenant are delivered here. */
  z.strictObject({ ask: z.literal("subscriptions"), tenant: nameSchema }),
  /** Changes a durable subscription. The worker that is named carries it out, wherever its holder is; the others say nothing. */
  z.strictObject({
    ask: z.literal("subscription"),
    worker: nameSchema,
    tenant: nameSchema,
    subject: freeNameSchema,
    name: nameSchema,
    command: operatorCommandSchema,
  }),
]);

export type EdgeQuestion = z.infer<typeof edgeQuestionSchema>;

const countSchema = z.int().min(0);

/** An open stream. It holds no token and no payload. */
export const openConnectionSchema = z.object({
  id: nameSchema,
  requestId: z.string().max(128),
  tenant: nameSchema,
  subject: freeNameSchema,
  sid: nameSchema,
  /** The road that its frames come by; null where it is a callback's, or an older edge has it. */
  transport: z.enum(TRANSPORTS).nullable().default(null),
  client: z.string().max(64).nullable(),
  subscription: z.string().max(64).nullable(),
  address: z.string().max(64),
  userAgent: z.string().max(256).nullable(),
  topics: z.array(z.object({ topic: z.string(), granted: z.boolean() })).max(100),
  state: z.enum(["live", "behind"]),
  /** What a stream that is behind waits for; null where it waits for nothing. */
  waitsFor: z.string().max(64).nullable(),
  /** The last entry that was written to it, or decided not to be for it; and the last one that the edge has read. */
  lastId: z.string().max(128),
  horizon: z.string().max(128),
  openedAt: z.iso.datetime(),
  events: countSchema,
  bytes: countSchema,
  quietForSeconds: z.number().min(0),
  idle: z.boolean(),
});

export type OpenConnection = z.infer<typeof openConnectionSchema>;

/** How a worker is. */
export const nodeSchema = z.object({
  version: z.string().max(64),
  host: z.string().max(256),
  pid: countSchema,
  upForSeconds: z.number().min(0),
  streams: countSchema,
  maxStreams: countSchema,
  feeds: countSchema,
  /** Loop delay of the last seconds, and heap and memory now. */
  loopDelayP99Ms: z.number().min(0),
  heapBytes: countSchema,
  rssBytes: countSchema,
  cpuShare: z.number().min(0),
  isDraining: z.boolean(),
  overloadStep: z.string().max(32).nullable(),
});

export type EdgeNode = z.infer<typeof nodeSchema>;

/** Whom one event reached at one worker; a sequence that the worker does not remember is left out of its answer. */
export const reachSchema = z.object({
  seq: countSchema,
  /** Streams that it was written to. */
  reached: countSchema,
  /** Streams whose topics it matched, and whose people may not see it. */
  denied: countSchema,
  /** Streams that are behind, and will find it in their turn. */
  behind: countSchema,
  /** Open streams of the tenant then. */
  connected: countSchema,
  /** The tenant's event map names no permission for its type. */
  isWithoutRule: z.boolean(),
});

export type Reach = z.infer<typeof reachSchema>;

/** What clients of one kind have reported. It says nothing of people. */
const clientHealthRowSchema = z.object({
  transport: z.string().max(16),
  family: z.string().max(16),
  network: z.string().max(16),
  /** Empty where the clients named none. */
  region: z.string().max(32),
  reports: countSchema,
  reconnects: countSchema,
  stalls: countSchema,
  /** How many first events took how long: a place for each of `FIRST_EVENT_MS`, and one for those that took longer. */
  firstEvents: z.array(countSchema).length(FIRST_EVENT_MS.length + 1),
  /** Why roads were left for others, and how often. */
  fallbacks: z.record(z.string().max(32), countSchema),
});

export type ClientHealthRow = z.infer<typeof clientHealthRowSchema>;

const clientHealthSchema = z.object({
  /** How long it has been counted. */
  seconds: countSchema,
  rows: z.array(clientHealthRowSchema).max(CLIENT_HEALTH_ROWS),
});

/** How a worker delivers a tenant's durable subscriptions. */
export const deliveringSchema = z.object({
  /** After so long without a holder a subscription is expired, and archived. */
  expiresSeconds: countSchema,
  archivesSeconds: countSchema,
  /** Hosts of webhooks that have not taken the last messages. `resting`: it is left alone but for one message now and then. */
  hosts: z
    .array(z.object({ host: z.string().max(256), failures: countSchema, resting: z.boolean() }))
    .max(MAX_HOSTS_LISTED),
});

export type Delivering = z.infer<typeof deliveringSchema>;

/** Why a command was not carried out. */
const REFUSALS = ["not_found", "unavailable", "subscription_unreadable", "internal"] as const;

/** The record of the subscription after a command, as text; null where it is deleted. */
const carriedOutSchema = z.union([
  z.object({ record: z.string().nullable() }),
  z.object({ refused: z.enum(REFUSALS), message: z.string().max(1_024) }),
]);

export type CarriedOut = z.infer<typeof carriedOutSchema>;

const from = { from: nameSchema };

/**
 * `from` is the worker's id. `unknown`: the worker does not understand the question. What a later edge has added to an answer is passed
 * over; a question with something unknown in it is not answered otherwise, as that may be what limits it.
 */
export const edgeAnswerSchema = z.union([
  z.object({
    ...from,
    connections: z.array(openConnectionSchema).max(MAX_CONNECTIONS_LISTED),
    hasMore: z.boolean(),
  }),
  z.object({ ...from, node: nodeSchema }),
  z.object({ ...from, reach: z.array(reachSchema).max(MAX_REACH_ASKED) }),
  z.object({ ...from, closed: z.boolean() }),
  z.object({ ...from, clients: clientHealthSchema }),
  z.object({ ...from, delivering: deliveringSchema }),
  z.object({ ...from, carriedOut: carriedOutSchema }),
  z.object({ ...from, unknown: z.literal(true) }),
]);

export type EdgeAnswer = z.infer<typeof edgeAnswerSchema>;
