import type { KV, KvEntry } from "@nats-io/kv";
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "#shared/time/backoff.ts";

const BACKOFF = { baseMs: 1_000, maxMs: 30_000 };

/** What follows a bucket, until when, and who hears that it cannot right now. */
export interface BucketFollower {
  readonly onEntry: (entry: KvEntry) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly stop: AbortSignal;
}

/**
 * Tells every entry of a bucket as it is now, and each change from then on, until it is stopped. A watch ends when its consumer is
 * lost for good; then it begins anew, with each entry.
 */
export async function followBucket(kv: KV, { onEntry, onTrouble, stop }: BucketFollower): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    try {
      using watching = new DisposableStack();
      const entries = await kv.watch({ key: "*" });
      const end = (): void => entries.stop();
      stop.addEventListener("abort", end);
      watching.defer(() => stop.removeEventListener("abort", end));
      if (stop.aborted) end();
      for await (const entry of entries) {
        attempt = 0;
        onEntry(entry);
      }
    } catch (error) {
      if (!stop.aborted) onTrouble(error);
    }
    await delay(backoffMs(attempt, BACKOFF), undefined, { signal: stop }).catch(() => undefined);
  }
}
