import { setTimeout as delay } from "node:timers/promises";
import type { Observer } from "../../observe/observer.ts";
import type { Interest, PresenceObserver, WatchedTopic, WatchPeers } from "../../presence/ports.ts";
import type { PresenceNews } from "../../presence/presence-news.ts";
import type { Hub } from "../hub.ts";
import type { PresenceHereDeps } from "./presence-here.ts";
import { TenantSources } from "./tenant-sources.ts";

/** Who has come and gone is told that often. */
const PUBLISH_EVERY_MS = 250;

/** Rights and topics change without a word: so often it is looked whether they have. */
const LOOK_AGAIN_MS = 1_000;

/** Looking takes no more than a quarter of the time, however much there is to look at. */
const REST_SHARE = 3;

/** A topic that nobody has said to watch for so long is told no more. */
const KEPT_MS = 15_000;

/**
 * More topics than that are not told; those who watch them see that this worker is missing. No tenant has more of them than it leaves free:
 * each worker that watches may ask for a thousand.
 */
const MAX_SOURCES = 10_000;

/** The edge, as far as it tells who listens. */
export interface PresenceSourcesDeps extends PresenceHereDeps {
  readonly hub: Pick<Hub, "streams" | "tenant" | "changes">;
  readonly workerId: string;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly peers: Pick<WatchPeers, "publish">;
  /** Hears what this worker tells the others. */
  readonly applyHere: (topic: WatchedTopic, news: PresenceNews) => void;
  readonly figures: Pick<PresenceObserver, "sent">;
  readonly observer: Pick<Observer, "fault">;
}

/** Tells other workers, and this one, who of its streams listen to the topics that are watched. While nothing is, it does nothing. */
export class PresenceSources implements Disposable {
  readonly #deps: PresenceSourcesDeps;
  readonly #tenants = new Map<string, TenantSources>();
  readonly #stop = new AbortController();
  #isRunning = false;

  constructor(deps: PresenceSourcesDeps) {
    this.#deps = deps;
  }

  /** A topic is watched somewhere: it is told for a while from now on, all of it where the last news are not known there. */
  want({ tenant: id, topic, known }: Interest): void {
    if (this.#stop.signal.aborted) return;
    const tenant = this.#tenants.get(id) ?? new TenantSources();
    const source = tenant.get(topic) ?? (this.#hasRoom(tenant) ? tenant.add(topic) : undefined);
    if (source === undefined) return;
    source.wantedAt = this.#deps.now();
    this.#tenants.set(id, tenant);
    const whole = source.sent.isUpToDate(known[this.#deps.workerId]) ? undefined : source.sent.whole();
    if (whole !== undefined) this.#publish({ tenant: id, topic }, whole);
    if (!this.#isRunning) void this.#run();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#tenants.clear();
  }

  async #run(): Promise<void> {
    const { now, observer } = this.#deps;
    this.#isRunning = true;
    while (this.#tenants.size > 0) {
      const began = now();
      for (const [id, tenant] of this.#tenants) {
        tenant.dropBefore(began - KEPT_MS);
        if (tenant.size === 0) this.#tenants.delete(id);
        else if (this.#mayHaveChanged(tenant))
          await this.#look(id, tenant).catch((error: unknown) => observer.fault(error));
      }
      const tookMs = now() - began;
      const restMs = Math.max(PUBLISH_EVERY_MS - tookMs, REST_SHARE * tookMs);
      await delay(restMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    this.#isRunning = false;
  }

  #mayHaveChanged({ lastPass }: TenantSources): boolean {
    const { hub, now } = this.#deps;
    return lastPass === undefined || lastPass.changes !== hub.changes || now() - lastPass.at >= LOOK_AGAIN_MS;
  }

  async #look(id: string, tenant: TenantSources): Promise<void> {
    const { hub, now } = this.#deps;
    tenant.lastPass = { changes: hub.changes, at: now() };
    for (const [{ topic, sent }, present] of await tenant.look(hub.tenant(id), this.#deps)) {
      const news = sent.change(present.result());
      if (news !== undefined) this.#publish({ tenant: id, topic }, news);
    }
  }

  #publish(topic: WatchedTopic, news: PresenceNews): void {
    if (this.#stop.signal.aborted) return;
    this.#deps.peers.publish(topic, news);
    this.#deps.applyHere(topic, news);
    this.#deps.figures.sent();
  }

  #hasRoom({ size }: TenantSources): boolean {
    let free = MAX_SOURCES;
    for (const tenant of this.#tenants.values()) free -= tenant.size;
    return size < free;
  }
}
