import type { StreamInfo } from "@nats-io/jetstream";
import { poll } from "#shared/async/poll.ts";
import { readLogInfo } from "./inspect-log.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import type { Bus } from "./paced-bus.ts";

/** A mirror hears of its origin each second. */
const ASK_EVERY_MS = 1_000;

/** So few logs are asked about one by one; a page of JetStream's list has 256 streams, of which most may be other ones. */
const MAX_SINGLE = 8;

/** Receives what a log's leader says; `askedAt` is the monotonic time of the question. */
export type HearMirror = (info: StreamInfo, askedAt: number) => void;

/** Follows the logs of a home that are mirrors here. */
export interface MirrorWatch {
  /** Asks for a tenant's log each second, until disposed. */
  watch(tenant: string, hear: HearMirror): Disposable;
}

/** Follows mirrors until disposed: all of a home with one question after the other, however many feeds there are. */
export function openMirrorWatch(bus: Bus, now: () => number): MirrorWatch & Disposable {
  const watched = new Map<string, { readonly tenant: string; readonly hear: HearMirror }>();
  const asking = poll(ASK_EVERY_MS, async () => {
    if (watched.size === 0) return;
    await (watched.size > MAX_SINGLE ? askForAll() : askForEach());
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

  async function askForEach(): Promise<void> {
    const askedAt = now();
    const each = [...watched.values()].map(async ({ tenant, hear }) => {
      // What keeps the log from being read its feed meets, and reports.
      const info = await readLogInfo(bus.jsm, tenant).catch(() => undefined);
      if (info !== undefined) hear(info, askedAt);
    });
    await Promise.all(each);
  }

  /** Page by page, and no further than to the last one that is watched. */
  async function askForAll(): Promise<void> {
    const left = new Set(watched.keys());
    const pages = bus.jsm.streams.list();
    for (let page: StreamInfo[] = [], isFirst = true; isFirst || (page.length > 0 && left.size > 0); isFirst = false) {
      const askedAt = now();
      page = await pages.next().catch(() => []);
      for (const info of page) {
        left.delete(info.config.name);
        watched.get(info.config.name)?.hear(info, askedAt);
      }
    }
  }
}
