import type { Slopes } from "./slopes.ts";

/** Round numbers, of no machine, for tests of the model. */
export const SLOPES: Slopes = {
  machine: { cpu: "none", cores: 2, node: "none", load: "C", at: "2026-01-01T00:00:00Z" },
  edge: {
    baseMicros: 10_000,
    wakeMicros: 100,
    eventMicros: 20,
    flushMicros: 50,
    writeMicros: { sse: 10, ndjson: 10, websocket: 10 },
    deliveryMicros: 0,
    pollMicros: 400,
    newTokenMicros: 1_000,
    knownTokenMicros: 500,
    streamMicros: 1,
    feedMicros: 100,
    baseMiB: 100,
    streamKiB: { sse: 8, ndjson: 8, websocket: 12 },
    feedKiB: 64,
  },
  broker: {
    eventMicros: 100,
    replicatedMicros: 500,
    deliveryMicros: 20,
    consumerMicros: 50,
    consumerKiB: 40,
    logKiB: 100,
    logMicros: 200,
    eventsPerSecond: 3_000,
    overheadBytes: 100,
  },
  auth: { newTokenMicros: 100, knownTokenMicros: 0 },
  policy: { newTokenMicros: 100, knownTokenMicros: 0, decisionsPerSecond: 1e6 },
  redis: {
    handshakeCommands: 2,
    exchangeMicros: 100,
    publishCommands: 2,
    publishMicros: 20,
    changeCommands: 2,
    changeMicros: 20,
  },
  publish: { eventMicros: 300, batchedMicros: 30 },
};
