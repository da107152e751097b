import { setTimeout as delay } from "node:timers/promises";

/**
 * A poll that runs. Both ways to dispose it stop it after the look under way; `Symbol.asyncDispose` also waits for that look.
 */
export interface Poll extends Disposable, AsyncDisposable {}

/**
 * Calls `look` every `everyMs`, the first time after that long, and never before the last call is over. `look` gets a signal
 * that is aborted when the poll is disposed. It handles its own failures: one that it throws ends the process.
 */
export function poll(everyMs: number, look: (stop: AbortSignal) => Promise<void>): Poll {
  const stop = new AbortController();
  const ended = lookUntil(stop.signal, everyMs, look);
  return {
    [Symbol.dispose]: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function lookUntil(
  stop: AbortSignal,
  everyMs: number,
  look: (stop: AbortSignal) => Promise<void>,
): Promise<void> {
  for (;;) {
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    await look(stop);
  }
}
