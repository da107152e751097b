import type { StreamInfo } from "@nats-io/jetstream";
import { poll } from "#shared/async/poll.ts";
import { readLogInfo } from "./inspect-log.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { Bus } from "./paced-bus.ts";

/** A mirror hears of its origin each second. */
const ASK_EVERY_MS = 1_000;

/** Questions under way at a time. The edge may not list streams: it asks about those that it reads. */
const MAX_AT_ONCE = 32;

/** Receives what a log's leader says; `askedAt` is the monotonic time of the question. */
export type HearMirror = (info: StreamInfo, askedAt: number) => void;

/** Follows the logs of a home that are mirrors here. */
export interface MirrorWatch {
  /** Asks for a tenant's log each second, until disposed. */
  watch(tenant: string, hear: HearMirror): Disposable;
}

/** Follows mirrors until disposed: a round of questions each second, and none before the last is over. */
export function openMirrorWatch(bus: Bus, now: () => number): MirrorWatch & Disposable {
  const watched = new Map<string, Watched>();
  const asking = poll(ASK_EVERY_MS, async () => {
    await askForAll();
  });
  return {
    watch(tenant, hear) {
      const stream = logStreamName(tenant);
      const entry = { tenant, hear };
      watched.set(stream, entry);
      return { [Symbol.dispose]: () => void (watched.get(stream) === entry && watched.delete(stream)) };
    },
    [Symbol.dispose]: () => asking[Symbol.dispose](),
  };

  async function askForAll(): Promise<void> {
    const all = [...watched.values()];
    for (let first = 0; first < all.length; first += MAX_AT_ONCE) {
      await Promise.all(all.slice(first, first + MAX_AT_ONCE).map((each) => askFor(each)));
    }
  }

  async function askFor({ tenant, hear }: Watched): Promise<void> {
    const askedAt = now();
    // What keeps the log from being read its feed meets, and reports.
    const info = await readLogInfo(bus.jsm, tenant).catch(() => undefined);
    if (info !== undefined) hear(info, askedAt);
  }
}

interface Watched {
  readonly tenant: string;
  readonly hear: HearMirror;
}
