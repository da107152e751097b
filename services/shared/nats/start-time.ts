/** JetStream reads times as nanoseconds in 64 bits: from April 2262 on, and before 1677, they are another time. */
const MOST_MS = Date.UTC(2262, 0);

/** A time to read a stream from, as JetStream takes it. Nothing was stored before 1970, and nothing is stored after the year 2261. */
export function startTimeOf(wallMs: number): string {
  return new Date(Math.min(Math.max(wallMs, 0), MOST_MS)).toISOString();
}
