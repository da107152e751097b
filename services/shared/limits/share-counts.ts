import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#shared/log/create-logger.ts";
import type { CountStore, SharedCounts } from "./shared-counts.ts";

/** Two exchanges a second, however much happens. */
const EXCHANGE_EVERY_MS = 500;

/** A lease is renewed that often, where nothing happens. */
const RENEW_EVERY_MS = 3_000;

/**
 * Exchanges the counts with the other workers until disposed: at once when something has changed, and not again for half a second.
 * Logs once that they are out of reach and once that they are back. Without a store each worker keeps to its share.
 */
export function shareCounts(counts: SharedCounts, store: CountStore | undefined, log: Logger): AsyncDisposable {
  const stop = new AbortController();
  const ended = shareUntil(stop.signal, counts, store, log);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function shareUntil(
  stop: AbortSignal,
  counts: SharedCounts,
  store: CountStore | undefined,
  log: Logger,
): Promise<void> {
  let failures = 0;
  while (!stop.aborted) {
    try {
      if (store === undefined) counts.isolate();
      else await counts.exchange(store);
      if (failures > 1) log.info({ workers: counts.workers }, "limits are counted over all workers again");
      failures = 0;
    } catch (error) {
      const facts = { reason: (error as Error).message, workers: counts.workers };
      failures += 1;
      // One failure says little: at the start the store's connection may not be there yet.
      if (failures === 2) log.warn(facts, "limits cannot be counted over all workers: each keeps to its share of them");
    }
    await pause(EXCHANGE_EVERY_MS, stop);
    if (failures > 0) continue;
    const idle = new AbortController();
    await Promise.race([counts.news(), pause(RENEW_EVERY_MS, AbortSignal.any([stop, idle.signal]))]);
    idle.abort();
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: stop }).catch(() => undefined);
}
