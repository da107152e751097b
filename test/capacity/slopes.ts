import { z } from "zod";

/** The roads whose streams stay open. */
export const ROADS = ["sse", "ndjson", "websocket"] as const;

const cost = z.number().nonnegative();
const byRoad = z.strictObject({ sse: cost, ndjson: cost, websocket: cost });

/**
 * What one more of each thing costs on one machine. `…Micros` are microseconds of a core's time: of one such thing, or of one second of
 * it where it lasts (a stream that is open, a log that is read, a process that runs).
 */
export const slopesSchema = z.strictObject({
  machine: z.strictObject({ cpu: z.string(), cores: cost, node: z.string(), load: z.string(), at: z.string() }),
  edge: z.strictObject({
    /** A worker that has nothing to do, for a second. */
    baseMicros: cost,
    /** An event that finds the loop asleep. */
    wakeMicros: cost,
    /** An event that is read, decoded and matched, whomever it is for. */
    eventMicros: cost,
    /** A flush of an audience. */
    flushMicros: cost,
    /** A member's write in a flush. */
    writeMicros: byRoad,
    /** Each event in such a write. */
    deliveryMicros: cost,
    /** An answer of a poll, with all events in it. */
    pollMicros: cost,
    newTokenMicros: cost,
    knownTokenMicros: cost,
    /** An open stream without events, for a second. */
    streamMicros: cost,
    /** A log that is read and has nothing new, for a second. */
    feedMicros: cost,
    baseMiB: cost,
    streamKiB: byRoad,
    feedKiB: cost,
  }),
  broker: z.strictObject({
    /** An event that is stored once, synced before it is acknowledged. */
    eventMicros: cost,
    /** The same on three brokers, of all three together. */
    replicatedMicros: cost,
    /** An event that a consumer is given. */
    deliveryMicros: cost,
    /** A consumer that waits, for a second. */
    consumerMicros: cost,
    consumerKiB: cost,
    /** A tenant's log that nobody reads, of each broker that has a copy. */
    logKiB: cost,
    /** The same, with three copies, for a second, of all three brokers together. */
    logMicros: cost,
    /** What one broker stores at most, synced, many under way at a time. */
    eventsPerSecond: cost,
    /** Bytes of the log for an event beside its payload. */
    overheadBytes: cost,
  }),
  auth: z.strictObject({ newTokenMicros: cost, knownTokenMicros: cost }),
  policy: z.strictObject({ newTokenMicros: cost, knownTokenMicros: cost, decisionsPerSecond: cost }),
  redis: z.strictObject({
    /** Where many streams come to one worker: it counts by itself, and exchanges its counts twice a second. */
    handshakeCommands: cost,
    /** An exchange of counts with the other workers, however many they are. */
    exchangeMicros: cost,
    publishCommands: cost,
    publishMicros: cost,
    /** A change of topics that are kept under a client's id. */
    changeCommands: cost,
    changeMicros: cost,
  }),
  publish: z.strictObject({ eventMicros: cost, batchedMicros: cost }),
});

export type Slopes = z.infer<typeof slopesSchema>;
