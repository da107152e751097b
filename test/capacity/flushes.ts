import type { Slopes } from "./slopes.ts";

/** `STREAM_FLUSH_MS`, and how long the edge lets an audience rest at most (`services/stream/audiences/audience.ts`). */
const PACING = { flushMs: 5, maxRestMs: 50 };

const ROUNDS = 60;

/**
 * How often in a second an audience is flushed for which events come evenly, on a core that nobody else wants. Events leave together where they
 * come faster than flushes may follow each other.
 */
export function flushesPerSecond(
  slopes: Slopes,
  { members, rate }: { readonly members: number; readonly rate: number },
): number {
  if (rate === 0) return 0;
  let flushes = rate;
  for (let round = 0; round < ROUNDS; round += 1) {
    const periodMs = periodAfter(flushMillis(slopes, members, rate / flushes));
    flushes = (flushes + Math.min(rate, 1_000 / periodMs)) / 2;
  }
  return flushes;
}

/** When events were there, in milliseconds and in order, for how many, and how much longer than its processor time a flush takes. */
export interface Arrivals {
  readonly members: number;
  readonly times: readonly number[];
  readonly stretch: number;
}

/**
 * How often an audience is flushed for which events come as they do: a broker that waits for its disk gives several at once, and then
 * none for a while. Each flush takes what has come by then.
 */
export function countFlushes(slopes: Slopes, { members, times, stretch }: Arrivals): number {
  let [flushes, written, mayBegin] = [0, 0, Number.NEGATIVE_INFINITY];
  while (written < times.length) {
    const begin = Math.max(times[written] ?? 0, mayBegin);
    const first = written;
    while (written < times.length && (times[written] ?? 0) <= begin) written += 1;
    mayBegin = begin + periodAfter(stretch * flushMillis(slopes, members, written - first));
    flushes += 1;
  }
  return flushes;
}

/** The processor time of a flush with so many events in it. */
function flushMillis({ edge }: Slopes, members: number, events: number): number {
  return (edge.flushMicros + members * (edge.writeMicros.sse + events * edge.deliveryMicros)) / 1_000;
}

/** From the beginning of a flush that takes so long to the next one: the audience rests for as long as it took. */
function periodAfter(tookMs: number): number {
  return Math.max(PACING.flushMs, tookMs + Math.min(tookMs, PACING.maxRestMs));
}
