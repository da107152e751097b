import { Notifier } from "#shared/async/notifier.ts";

/** How many keys one exchange tells and asks about; the rest waits for the next one. */
const MAX_EXCHANGED = 4_000;

/** After so many exchanges what the others count under a key is forgotten, where this worker counts nothing; so is their number. */
const KEPT_EXCHANGES = 20;

/** More keys under which this worker counts nothing are not kept. */
const MAX_IDLE = 20_000;

/** How many a worker counts under a key; 0 takes the key back. */
export interface KeyCount {
  readonly key: string;
  readonly count: number;
}

/** What the others count under the keys that they were asked about, and how many workers there are. */
export interface CountAnswer {
  readonly others: readonly number[];
  readonly workers: number;
  /** Nothing is left of what this worker had told before. */
  readonly isNew: boolean;
}

/**
 * Where the counts of all workers of a service meet. `exchange` replaces what this worker counts under these keys, with `startOver` all
 * that it has ever told. It throws when the store does not answer; then it may have been done, and `startOver` is next.
 */
export interface CountStore {
  exchange(own: readonly KeyCount[], startOver: boolean): Promise<CountAnswer>;
}

/** What this worker counts under a key, what of it the others have been told, and what they count themselves. */
export interface Count {
  readonly key: string;
  own: number;
  reported: number;
  /** Undefined while they have not been asked. */
  others: number | undefined;
}

/**
 * Counts that all workers of a service share, decided from memory: each worker tells the others at most twice a second what has changed. In
 * between it takes at most its share of the room that it knows of, so that all together go beyond a limit by no more than two
 * each. While the others cannot be asked, each worker keeps to its share of the limit.
 */
export class SharedCounts {
  readonly #counts = new Map<string, Count>();
  /** Changed or asked about since the last exchange, in this order. */
  readonly #changed = new Set<Count>();
  /** Where this worker counts nothing, with the exchange in which it was last asked about; the oldest first. */
  readonly #idle = new Map<Count, number>();
  readonly #news = new Notifier();
  #exchanges = 0;
  #fewerSince = 0;
  #workers: number;
  #isShared = false;

  /** `workers`: how many share the limits as long as nobody says so. */
  constructor(workers: number) {
    this.#workers = workers;
  }

  get workers(): number {
    return this.#workers;
  }

  /** Whether the others' counts are known. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** How many keys are in memory. */
  get size(): number {
    return this.#counts.size;
  }

  /** Resolves when there is something to tell or to ask. */
  news(): Promise<void> {
    return this.#changed.size > 0 ? Promise.resolve() : this.#news.next();
  }

  /** The count under a key, of which the others are asked again. Where nothing is added, it is forgotten after a while. */
  at(key: string): Count {
    const known = this.#counts.get(key);
    const count: Count = known ?? { key, own: 0, reported: 0, others: undefined };
    if (known === undefined) this.#counts.set(key, count);
    this.#change(count);
    return count;
  }

  /** Whether this worker may add one more under a limit. */
  hasRoom({ own, reported, others }: Count, limit: number): boolean {
    if (!this.#isShared || others === undefined) return own < shareOf(limit, this.#workers);
    return own - reported < shareOf(limit - reported - others, this.#workers);
  }

  /** Counts one more, or `change` more; the others learn of it at the next exchange. */
  add(count: Count, change = 1): void {
    count.own += change;
    this.#change(count);
  }

  /** Counts one more, or `change` more, without telling the others: they need to know only of a worker that comes near its share. */
  addQuietly(count: Count, limit: number, change = 1): void {
    count.own += change;
    if (count.reported === 0 && 2 * count.own < shareOf(limit, this.#workers)) this.#changed.delete(count);
    else this.#change(count);
  }

  /** Takes a count back as a whole. */
  drop(count: Count): void {
    count.own = 0;
    if (count.reported > 0) this.#change(count);
    else this.#forget(count);
  }

  /**
   * Tells the store what has changed, and learns what the others count.
   * @throws what the store throws; until the next answer each worker keeps to its share.
   */
  async exchange(store: CountStore): Promise<void> {
    const startOver = !this.#isShared;
    if (startOver) this.#reportAll();
    const batch = [...this.#changed].slice(0, MAX_EXCHANGED);
    const own = batch.map(({ key, own: count }) => ({ key, count }));
    try {
      const { others, workers, isNew } = await store.exchange(own, startOver);
      this.#learnWorkers(workers);
      this.#isShared = true;
      if (isNew && !startOver) this.#reportAll();
      batch.forEach((count, index) => this.#learn(count, own[index]?.count ?? 0, others[index] ?? 0));
      this.#forgetIdle();
    } catch (error) {
      this.isolate();
      throw error;
    }
  }

  /** Keeps to this worker's share until the others' counts are known again, and forgets what it does not count itself. */
  isolate(): void {
    this.#isShared = false;
    for (const count of [...this.#changed, ...this.#idle.keys()]) {
      count.reported = 0;
      if (count.own === 0) this.#forget(count);
    }
  }

  #change(count: Count): void {
    const isFirst = this.#changed.size === 0;
    this.#changed.add(count);
    if (isFirst) this.#news.notify();
  }

  /** After Redis has started again the first worker to come finds no other: fewer are believed after a while. */
  #learnWorkers(workers: number): void {
    this.#exchanges += 1;
    if (workers >= this.#workers) this.#fewerSince = this.#exchanges;
    if (workers >= this.#workers || this.#exchanges - this.#fewerSince >= KEPT_EXCHANGES) {
      this.#workers = Math.max(1, workers);
    }
  }

  #forgetIdle(): void {
    for (const [count, since] of this.#idle) {
      if (this.#exchanges - since < KEPT_EXCHANGES && this.#idle.size <= MAX_IDLE) return;
      if (count.own === 0 && !this.#changed.has(count)) this.#forget(count);
      else this.#idle.delete(count);
    }
  }

  #learn(count: Count, reported: number, others: number): void {
    count.reported = reported;
    count.others = others;
    // What has changed meanwhile goes to the end: the first keys must not be the only ones that are ever told.
    this.#changed.delete(count);
    this.#idle.delete(count);
    if (count.own !== reported) this.#changed.add(count);
    else if (reported === 0) this.#idle.set(count, this.#exchanges);
  }

  #forget(count: Count): void {
    this.#changed.delete(count);
    this.#idle.delete(count);
    if (this.#counts.get(count.key) === count) this.#counts.delete(count.key);
  }

  #reportAll(): void {
    for (const count of this.#counts.values()) {
      count.reported = 0;
      if (count.own > 0) this.#changed.add(count);
    }
  }
}

/** The shares of all workers hold the whole, and a limit above zero leaves each of them one. */
function shareOf(room: number, workers: number): number {
  return Math.ceil(Math.max(0, room) / workers);
}
