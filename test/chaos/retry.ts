import { setTimeout as delay } from "node:timers/promises";

const PAUSE_MS = 250;

/** Tries again until an attempt does not throw; each has that long, and is told to give up then. */
export async function retry<T>(
  attempt: (signal: AbortSignal, tries: number) => Promise<T>,
  { stop, attemptMs = 5_000 }: { stop?: AbortSignal; attemptMs?: number } = {},
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    stop?.throwIfAborted();
    const timeout = AbortSignal.timeout(attemptMs);
    try {
      return await attempt(stop === undefined ? timeout : AbortSignal.any([stop, timeout]), tries);
    } catch {
      await delay(PAUSE_MS, undefined, stop && { signal: stop }).catch(() => {});
    }
  }
}

/** The next of them at each try. */
export function inTurn<T>(from: readonly T[], tries: number): T {
  const next = from[tries % from.length];
  if (next === undefined) throw new Error("there is none");
  return next;
}
