import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Interest, PresenceObserver, WatchedTopic, WatchPeers } from "../../presence/ports.ts";
import { type PresenceNews, ToldPeople } from "../../presence/presence-news.ts";
import type { Observer } from "../../observe/observer.ts";
import type { Hub } from "../hub.ts";
import { presentHere, type PresenceHereDeps } from "./presence-here.ts";
import { TopicListeners } from "./topic-listeners.ts";

/** Who has come and gone is told that often. */
const TELL_EVERY_MS = 250;

/** Rights and topics change without a word: so often it is looked whether they have. */
const LOOK_AGAIN_MS = 1_000;

/** Looking takes no more than a quarter of the time, however many topics are watched. */
const REST_SHARE = 3;

/** A topic that nobody has said to watch for so long is told no more. */
const KEPT_MS = 10_000;

/** More topics than that are not told; those who watch them see that this worker is missing. */
const MAX_SOURCES = 1_000;

/** A topic that somebody watches, and what was told about it. */
interface Source extends WatchedTopic {
  readonly told: ToldPeople;
  listeners: TopicListeners | undefined;
  wantedAt: number;
  lookedAt: number;
  /** How many streams had come and gone when it was looked at. */
  changesSeen: number;
  isLooking: boolean;
}

/** The edge, as far as it tells who listens. */
export interface PresenceSourcesDeps extends PresenceHereDeps {
  readonly hub: Pick<Hub, "streams" | "tenant" | "changes">;
  readonly workerId: string;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly peers: Pick<WatchPeers, "tell">;
  /** Hears what this worker tells the others. */
  readonly hear: (topic: WatchedTopic, news: PresenceNews) => void;
  readonly figures: Pick<PresenceObserver, "told">;
  readonly observer: Pick<Observer, "fault">;
}

/** Tells other workers, and this one, who of its streams listen to the topics that are watched. While nothing is, it does nothing. */
export class PresenceSources implements Disposable {
  readonly #deps: PresenceSourcesDeps;
  readonly #sources = new Map<string, Source>();
  readonly #stop = new AbortController();
  #isRunning = false;

  constructor(deps: PresenceSourcesDeps) {
    this.#deps = deps;
  }

  /** A topic is watched somewhere: it is told for a while from now on, all of it where the last news are not known there. */
  want({ tenant, topic, known }: Interest): void {
    if (this.#stop.signal.aborted) return;
    const key = compositeKey(tenant, topic);
    const source = this.#sources.get(key) ?? this.#add(key, { tenant, topic });
    if (source === undefined) return;
    source.wantedAt = this.#deps.now();
    if (source.told.isUpToDate(known[this.#deps.workerId])) return;
    const whole = source.told.whole();
    if (whole === undefined) void this.#look(source);
    else this.#tell(source, whole);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#sources.clear();
  }

  #add(key: string, topic: WatchedTopic): Source | undefined {
    if (this.#sources.size >= MAX_SOURCES) return undefined;
    const told = new ToldPeople(randomUUID().slice(0, 8));
    const source: Source = {
      ...topic,
      told,
      listeners: undefined,
      wantedAt: 0,
      lookedAt: 0,
      changesSeen: 0,
      isLooking: false,
    };
    this.#sources.set(key, source);
    if (!this.#isRunning) void this.#run();
    return source;
  }

  async #run(): Promise<void> {
    const { now } = this.#deps;
    this.#isRunning = true;
    let tookMs = 0;
    while (this.#sources.size > 0) {
      const restMs = Math.max(TELL_EVERY_MS - tookMs, REST_SHARE * tookMs);
      await delay(restMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      const began = now();
      for (const [key, source] of this.#sources) {
        if (began - source.wantedAt > KEPT_MS) this.#sources.delete(key);
        else if (this.#mayHaveChanged(source)) await this.#look(source);
      }
      tookMs = now() - began;
    }
    this.#isRunning = false;
  }

  #mayHaveChanged({ changesSeen, lookedAt }: Source): boolean {
    const { hub, now } = this.#deps;
    return changesSeen !== hub.changes || now() - lookedAt >= LOOK_AGAIN_MS;
  }

  async #look(source: Source): Promise<void> {
    if (source.isLooking) return;
    const { hub, now, observer } = this.#deps;
    [source.isLooking, source.lookedAt, source.changesSeen] = [true, now(), hub.changes];
    try {
      const present = await presentHere(this.#listenersOf(source), source.told.isListed, this.#deps);
      const news = source.told.change(present);
      if (news !== undefined) this.#tell(source, news);
    } catch (error) {
      observer.fault(error);
    } finally {
      source.isLooking = false;
    }
  }

  /** Undefined while this worker serves no stream of the tenant. */
  #listenersOf(source: Source): TopicListeners | undefined {
    const tenant = this.#deps.hub.tenant(source.tenant);
    if (tenant !== source.listeners?.tenant) source.listeners = tenant && new TopicListeners(tenant, source.topic);
    return source.listeners;
  }

  #tell(topic: WatchedTopic, news: PresenceNews): void {
    if (this.#stop.signal.aborted) return;
    this.#deps.peers.tell(topic, news);
    this.#deps.hear(topic, news);
    this.#deps.figures.told();
  }
}
