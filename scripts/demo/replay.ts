import { setTimeout as delay } from "node:timers/promises";
import type { Publication } from "../shared/connect-producer.ts";

/** How far a replay has come. What is neither acknowledged nor refused is on its way. */
export interface ReplayCounts {
  published: number;
  acknowledged: number;
  refused: number;
}

/** How to replay. */
export interface ReplayOptions {
  /** Settles when the bus has acknowledged the event. */
  readonly publish: (publication: Publication) => Promise<unknown>;
  readonly ratePerSecond: number;
  /** How many events in all. */
  readonly count: number;
  /** The most events that may wait for their acknowledgement. */
  readonly maxPending: number;
  readonly signal: AbortSignal;
}

/** A replay that was held up makes good for at most this much, so that a machine that slept does not wake in a flood. */
const CATCH_UP_MS = 1_000;

/**
 * Publishes in turn, from the first again after the last, and keeps `counts` current. Settles once everything is either
 * acknowledged or refused; the signal ends it early.
 */
export async function replay(
  publications: readonly Publication[],
  { publish, ratePerSecond, count, maxPending, signal }: ReplayOptions,
  counts: ReplayCounts,
): Promise<void> {
  const pending = new Set<Promise<void>>();
  const acknowledged = (): void => void (counts.acknowledged += 1);
  const refused = (): void => void (counts.refused += 1);
  let dueAt = performance.now();
  for (const publication of repeat(publications, count)) {
    await waitUntil(dueAt, signal);
    while (pending.size >= maxPending && !signal.aborted) await Promise.race(pending);
    if (signal.aborted) break;
    const settled = publish(publication).then(acknowledged, refused);
    counts.published += 1;
    pending.add(settled);
    void settled.then(() => pending.delete(settled));
    dueAt = Math.max(dueAt + 1_000 / ratePerSecond, performance.now() - CATCH_UP_MS);
  }
  await Promise.all(pending);
}

function* repeat<T>(items: readonly T[], count: number): Generator<T> {
  for (let done = 0; done < count;) {
    for (const item of items.slice(0, count - done)) yield item;
    done += items.length;
  }
}

async function waitUntil(dueAt: number, signal: AbortSignal): Promise<void> {
  const ms = dueAt - performance.now();
  if (ms <= 0) return;
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
