/**
 * How long to wait before attempt number `attempt` (from 0): doubles from `baseMs` up to `maxMs`, and is spread over the
 * upper half so that many who failed together do not come back together.
 */
export function backoffMs(attempt: number, { baseMs, maxMs }: { baseMs: number; maxMs: number }): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
