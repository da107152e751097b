import { z } from "zod";
import { TRANSPORTS } from "../protocol/transports.ts";
import { freeNameSchema, nameSchema } from "./name-schema.ts";

/**
 * What policy asks the edges, all workers at once: a bus request with an `EdgeQuestion` as JSON. Each worker answers once with an
 * `EdgeAnswer` that fits a message of the bus.
 */
export const ASK_EDGES = "edge.ask";

/** The most streams that one answer tells of. */
export const MAX_CONNECTIONS_TOLD = 500;

/** The most events that `reach` is asked about at once. */
export const MAX_REACH_ASKED = 500;

export const edgeQuestionSchema = z.discriminatedUnion("ask", [
  /** The open streams of a tenant or of all, of one person or of all, in the order of their ids behind `after`. */
  z.strictObject({
    ask: z.literal("connections"),
    tenant: nameSchema.optional(),
    subject: freeNameSchema.optional(),
    connectionId: nameSchema.optional(),
    after: z.string().max(64),
    limit: z.int().min(1).max(MAX_CONNECTIONS_TOLD),
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
]);

export type EdgeQuestion = z.infer<typeof edgeQuestionSchema>;

const countSchema = z.int().min(0);

/** An open stream. It holds no token and no payload. */
export const openConnectionSchema = z.strictObject({
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
  topics: z.array(z.strictObject({ topic: z.string(), granted: z.boolean() })).max(100),
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
export const nodeSchema = z.strictObject({
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
export const reachSchema = z.strictObject({
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

const from = { from: nameSchema };

/** `from` is the worker's id. `unknown`: the worker does not understand the question. */
export const edgeAnswerSchema = z.union([
  z.strictObject({
    ...from,
    connections: z.array(openConnectionSchema).max(MAX_CONNECTIONS_TOLD),
    hasMore: z.boolean(),
  }),
  z.strictObject({ ...from, node: nodeSchema }),
  z.strictObject({ ...from, reach: z.array(reachSchema).max(MAX_REACH_ASKED) }),
  z.strictObject({ ...from, closed: z.boolean() }),
  z.strictObject({ ...from, unknown: z.literal(true) }),
]);

export type EdgeAnswer = z.infer<typeof edgeAnswerSchema>;
