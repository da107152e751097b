import type { HomeStream } from "./home-stream.ts";

/** What grows too old goes on both sides at slightly different times. */
const AGING_MS = 60_000;

/**
 * Whether a mirror, which was read before its original, lacks the first entries that the original still has and that are not about to go
 * for their age.
 */
export function lacksBeginning(original: HomeStream, mirror: HomeStream): boolean {
  const { first_seq, first_ts, messages } = original.state;
  if (messages === 0 || mirror.state.first_seq <= first_seq) return false;
  const maxAgeMs = original.config.max_age / 1e6;
  return maxAgeMs === 0 || Date.parse(first_ts) > Date.parse(original.ts) - maxAgeMs + AGING_MS;
}
