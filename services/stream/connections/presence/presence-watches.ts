import { poll, type Poll } from "#shared/async/poll.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Grant } from "../../access/grant.ts";
import type { Registration, TopicGrant } from "../../access/registration.ts";
import type { Observer } from "../../observe/observer.ts";
import type { PresenceNews } from "../../presence/presence-news.ts";
import type { Roster, PresenceObserver, WatchedTopic } from "../../presence/ports.ts";
import type { Stream } from "../hub.ts";
import type { Tenant } from "../tenant.ts";
import { PresenceRight, READ_PRESENCE } from "./presence-right.ts";
import { type Follower, Watch, type WatchDeps } from "./watch.ts";

/** Frames are written that often. */
const ROUND_MS = 250;

/** After so many rounds it is read which workers live. */
const ROUNDS_PER_ROSTER = 4;

/** After so many rounds other workers are told again what is watched: what was lost on the way is noticed then. */
const ROUNDS_PER_ASKING = 20;

/** After so many rounds each worker is a suspect, where nobody knows which live. */
const ROUNDS_PER_SUSPICION = 40;

/** A worker watches no more topics of a tenant: each is asked for at all workers every five seconds. */
const MAX_TOPICS_PER_TENANT = 1_000;

/** A stream's wish to watch a topic. */
interface Wish extends Follower {
  readonly topic: string;
  readonly right: PresenceRight;
  isGranted: boolean;
  /** Undefined while it is not granted, or where there was no room. */
  watch: Watch | undefined;
}

interface Watcher extends Stream {
  readonly wishes: readonly Wish[];
}

/** The edge, as far as its streams watch topics. */
export interface PresenceWatchesDeps extends WatchDeps {
  readonly workerId: string;
  readonly roster: Roster;
  readonly figures: Pick<PresenceObserver, "framed">;
  readonly observer: Pick<Observer, "fault">;
}

/** The topics that streams of this worker watch. A stream that watches nothing costs nothing; without any, nothing is done. */
export class PresenceWatches implements Disposable {
  readonly #deps: PresenceWatchesDeps;
  readonly #watchers = new Set<Watcher>();
  readonly #watches = new Map<string, Watch>();
  readonly #asked = new WeakSet<Grant>();
  #rounds: Poll | undefined;
  #round = 0;
  /** Undefined while nobody knows. */
  #live: ReadonlySet<string> | undefined;
  #isReadingLive = false;

  constructor(deps: PresenceWatchesDeps) {
    this.#deps = deps;
  }

  /** How many topics are watched. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Finds out whether a person may watch topics, for `attend` to say so.
   * @throws {AppError} `limit_exceeded` where the tenant watches too many already; `unavailable`.
   */
  async prepare(tenant: Tenant, registration: Registration, topics: readonly string[]): Promise<void> {
    const { grant } = registration;
    if (topics.length === 0 || grant === undefined) return;
    const verdicts = () => topics.map((topic) => new PresenceRight(topic).judge(registration, this.#deps.now()));
    if (verdicts().includes("undecided")) await tenant.decisions.ask(grant, READ_PRESENCE);
    const found = verdicts();
    const added = topics.filter((topic, index) => found[index] === "granted" && !this.#isWatched(tenant, topic));
    if (this.#countOf(tenant) + added.length <= MAX_TOPICS_PER_TENANT) return;
    const message = `the presence of ${MAX_TOPICS_PER_TENANT} topics of this tenant is watched here already`;
    throw new AppError("limit_exceeded", message);
  }

  /** Has a stream told who listens to these topics while it may be, until it ends; answers for which it may be now. */
  attend(stream: Stream, topics: readonly string[]): readonly TopicGrant[] {
    const { now, figures } = this.#deps;
    const { reader } = stream;
    const watcher: Watcher = {
      ...stream,
      wishes: topics.map((topic) => {
        const right = new PresenceRight(topic);
        const write = (frame: Buffer): boolean => {
          // Judged in the very moment of writing: what a change has taken away since the round began is gone.
          if (reader.ended || !reader.connection.writable) return false;
          if (right.judge(reader.registration, now()) !== "granted") return false;
          reader.connection.write(frame);
          figures.framed();
          return true;
        };
        return { topic, right, isGranted: false, watch: undefined, seq: undefined, framing: reader.framing, write };
      }),
    };
    this.#watchers.add(watcher);
    void reader.connection.closed.then(() => this.#leave(watcher));
    this.#judge(watcher);
    this.#rounds ??= poll(ROUND_MS, () => this.#runRound());
    return grantsOf(watcher);
  }

  /** Takes over what this worker itself tells about a topic. */
  apply({ tenant, topic }: WatchedTopic, news: PresenceNews): void {
    this.#watches.get(compositeKey(tenant, topic))?.apply(this.#deps.workerId, news);
  }

  [Symbol.dispose](): void {
    this.#rounds?.[Symbol.dispose]();
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
    this.#watches.clear();
  }

  async #runRound(): Promise<void> {
    this.#round += 1;
    try {
      for (const watcher of this.#watchers) {
        if (this.#judge(watcher)) watcher.reader.sendSubscription(grantsOf(watcher));
      }
      if (this.#round % ROUNDS_PER_ROSTER === 0) await this.#readLive();
      if (this.#round % ROUNDS_PER_SUSPICION === 0 && this.#live === undefined) this.#suspectAll();
      const isCertain = this.#live !== undefined || this.#deps.roster.read === undefined;
      const expected = this.#live === undefined ? this.#deps.roster.size() : 0;
      for (const watch of this.#watches.values()) {
        if (this.#round % ROUNDS_PER_ASKING === 0) watch.ask();
        await watch.flush(isCertain, expected);
      }
    } catch (error) {
      this.#deps.observer.fault(error);
    }
    if (this.#watchers.size > 0) return;
    this.#rounds?.[Symbol.dispose]();
    this.#rounds = undefined;
  }

  /** Judges anew for each topic whether the stream may watch it; answers whether that has changed. */
  #judge(watcher: Watcher): boolean {
    const { tenant, reader, wishes } = watcher;
    if (reader.ended) return false;
    const { registration } = reader;
    let hasChanged = false;
    for (const wish of wishes) {
      const verdict = wish.right.judge(registration, this.#deps.now());
      if (verdict === "undecided") this.#askPolicy(tenant, registration);
      if (verdict === "held" || verdict === "undecided") continue;
      const isGranted = verdict === "granted";
      hasChanged ||= isGranted !== wish.isGranted;
      wish.isGranted = isGranted;
      if (isGranted) this.#join(tenant, wish);
      else this.#quit(wish);
    }
    return hasChanged;
  }

  /** One question at a time for all who hold the grant; a later round asks again where it fails. */
  #askPolicy({ decisions }: Tenant, { grant }: Registration): void {
    if (grant === undefined || this.#asked.has(grant)) return;
    this.#asked.add(grant);
    const done = (): void => void this.#asked.delete(grant);
    decisions.ask(grant, READ_PRESENCE).then(done, done);
  }

  #join(tenant: Tenant, wish: Wish): void {
    if (wish.watch !== undefined) return;
    const key = compositeKey(tenant.id, wish.topic);
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      if (this.#countOf(tenant) >= MAX_TOPICS_PER_TENANT) return;
      watch = new Watch(tenant, wish.topic, this.#deps);
      this.#watches.set(key, watch);
      watch.ask();
      void this.#readLive();
    }
    watch.followers.add(wish);
    wish.watch = watch;
  }

  #quit(wish: Wish): void {
    const { watch, topic } = wish;
    [wish.watch, wish.seq] = [undefined, undefined];
    if (watch === undefined) return;
    watch.followers.delete(wish);
    if (watch.followers.size > 0) return;
    watch[Symbol.dispose]();
    this.#watches.delete(compositeKey(watch.tenant.id, topic));
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    for (const wish of watcher.wishes) this.#quit(wish);
  }

  async #readLive(): Promise<void> {
    if (this.#isReadingLive) return;
    const { roster, now } = this.#deps;
    this.#isReadingLive = true;
    this.#live = await roster.read?.().catch(() => undefined);
    this.#isReadingLive = false;
    for (const watch of this.#watches.values()) {
      if (this.#live !== undefined && watch.people.setLive(this.#live, now())) watch.ask();
      watch.people.dropSuspects(now());
    }
  }

  /** Nobody knows who lives: each worker that has reported something must say that it does. */
  #suspectAll(): void {
    for (const watch of this.#watches.values()) {
      watch.people.suspectAll(this.#deps.workerId, this.#deps.now());
      watch.ask();
    }
  }

  #isWatched(tenant: Tenant, topic: string): boolean {
    return this.#watches.has(compositeKey(tenant.id, topic));
  }

  #countOf(tenant: Tenant): number {
    let count = 0;
    for (const watch of this.#watches.values()) if (watch.tenant === tenant) count += 1;
    return count;
  }
}

function grantsOf({ wishes }: Watcher): TopicGrant[] {
  return wishes.map(({ topic, isGranted }) => ({ topic, granted: isGranted }));
}
