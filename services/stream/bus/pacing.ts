/** The waits for NATS, by the round trip to it. */
export interface Pacing {
  /** How often JetStream reports that a consumer lives. After two missed heartbeats the feed starts over. */
  readonly heartbeatMs: number;
  /** How long JetStream keeps a request for messages. Then no heartbeat comes for a round trip. */
  readonly pullExpiresMs: number;
  /** How long an answer of JetStream's may take. */
  readonly answerMs: number;
  /** How many messages of a log are under way or wait at a time. */
  readonly maxMessages: number;
  /** Whether heartbeats are often enough to be the log's sign of life. If not, the leader is asked. */
  readonly isHeartbeatEnough: boolean;
}

/** For a near broker. */
const MIN_HEARTBEAT_MS = 1_000;

/** A log must give a sign of life every 10 s; with rarer heartbeats than this, a late one is too late. */
const MAX_SIGN_MS = 4_000;

const MIN_ANSWER_MS = 5_000;

/** What these hold is memory that a tenant of large events can fill; a far broker needs more of them under way. */
const MAX_MESSAGES = { near: 250, far: 1_000 };

/** Up to this round trip a broker is near. */
export const NEAR_MS = 10;

/** A longer round trip counts as this one. */
const MAX_ROUND_TRIP_MS = 12_000;

/**
 * The first heartbeat comes a round trip and an interval after the request; the client gives up after two intervals. So the
 * interval must exceed the round trip; half as long again leaves room for jitter. An answer may take three round trips.
 */
export function pacingFor(roundTripMs: number): Pacing {
  const roundTrip = Math.min(roundTripMs, MAX_ROUND_TRIP_MS);
  const heartbeatMs = Math.max(MIN_HEARTBEAT_MS, Math.round(roundTrip * 1.5));
  return {
    heartbeatMs,
    pullExpiresMs: Math.max(5 * heartbeatMs, roundTrip > MIN_HEARTBEAT_MS ? 300_000 : 0),
    answerMs: Math.max(MIN_ANSWER_MS, 3 * roundTrip),
    maxMessages: roundTrip <= NEAR_MS ? MAX_MESSAGES.near : MAX_MESSAGES.far,
    isHeartbeatEnough: heartbeatMs <= MAX_SIGN_MS,
  };
}
