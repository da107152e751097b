/** How patient everything that crosses the bus is, by how long a round trip to it takes. */
export interface Pacing {
  /** How often JetStream is asked to say that a consumer lives. Two missed beats, and the feed starts over. */
  readonly heartbeatMs: number;
  /** How long JetStream keeps a request for messages. After that there are no beats for a round trip. */
  readonly pullExpiresMs: number;
  /** How long an answer of JetStream's may take. */
  readonly answerMs: number;
  /** Whether beats come often enough to be the log's sign of life. Where they do not, its leader is asked ahead. */
  readonly isBeatEnough: boolean;
}

/** Beats of a near broker. */
const MIN_HEARTBEAT_MS = 1_000;

/** A log must give a sign of life every 10 s; with beats that are rarer than this, one that is late would be too late. */
const MAX_SIGN_MS = 4_000;

const MIN_ANSWER_MS = 5_000;

/** A round trip that takes longer is treated as if it took so long. */
const MAX_ROUND_TRIP_MS = 12_000;

/**
 * The first beat comes a round trip and a beat after the request, and the client gives up after two beats. So a beat must be
 * longer than a round trip; half as long again leaves room for jitter. An answer may take three round trips.
 */
export function pacingFor(roundTripMs: number): Pacing {
  const roundTrip = Math.min(roundTripMs, MAX_ROUND_TRIP_MS);
  const heartbeatMs = Math.max(MIN_HEARTBEAT_MS, Math.round(roundTrip * 1.5));
  return {
    heartbeatMs,
    pullExpiresMs: Math.max(5 * heartbeatMs, roundTrip > MIN_HEARTBEAT_MS ? 300_000 : 0),
    answerMs: Math.max(MIN_ANSWER_MS, 3 * roundTrip),
    isBeatEnough: heartbeatMs <= MAX_SIGN_MS,
  };
}
