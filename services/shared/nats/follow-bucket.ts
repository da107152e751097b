import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
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
 * Tells every entry of a bucket as it is now, and each change from then on, until it is stopped. It begins anew, with each entry, when its
 * consumer is lost for good, and with each new connection: the library's watch goes on up to a minute after a broker is back, and only
 * behind the last entry that it has told, which a bucket that was restored from an older copy reaches late or never.
 */
export async function followBucket(
  nats: Pick<NatsConnection, "status">,
  kv: KV,
  { onEntry, onTrouble, stop }: BucketFollower,
): Promise<void> {
  let beginAnew: (() => void) | undefined;
  void onReconnect(nats, stop, () => beginAnew?.());
  for (let attempt = 0; !stop.aborted; attempt += 1) {
    try {
      using watching = new DisposableStack();
      const entries = await kv.watch({ key: "*" });
      const end = (): void => entries.stop();
      beginAnew = end;
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

async function onReconnect(nats: Pick<NatsConnection, "status">, stop: AbortSignal, call: () => void): Promise<void> {
  for await (const { type } of nats.status()) {
    if (stop.aborted) return;
    if (type === "reconnect") call();
  }
}
