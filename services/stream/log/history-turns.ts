import { LRUCache } from "lru-cache";
import { FairPlaces } from "#shared/async/fair-places.ts";
import { TurnQueue } from "#shared/async/turn-queue.ts";

/** Reads of history under way at a time, half of them a single tenant's: more of these only wait for each other inside JetStream. */
const MAX_READS = 64;

/** A catch-up that finds nothing gets one turn of so many where others wait: it is late, and never stopped. */
const ONE_TURN_OF = 8;

const MINUTE_MS = 60_000;

/** A budget that nobody has used for a minute is full again: forgetting it changes nothing. */
const KEPT_BUDGETS = { max: 100_000, ttl: 2 * MINUTE_MS, updateAgeOnGet: true };

/** Who reads history. */
export interface HistoryOwner {
  readonly tenant: string;
  readonly subject: string;
  /** Whether what was read last had anything for this reader. */
  readonly isFinding: boolean;
}

/** Reads when it is the owner's turn. The read charges the bytes that it got from JetStream to the owner. */
export type Limit = <T>(owner: HistoryOwner, read: (charge: (bytes: number) => void) => Promise<T>) => Promise<T>;

/** The bytes of history that may be read a minute, and the clock. */
export interface HistoryLimits {
  /** By each subject, over all its streams. */
  readonly subjectBytesPerMinute: number;
  /** By all readers of the tenant together. */
  readonly historyBytesPerMinute: (tenant: string) => number;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/**
 * Gives readers of history their turns: a bounded number at a time, tenant by tenant, and subject by subject within one. A tenant whose
 * reads take long has no turn of others. A subject or a tenant that has used up its bytes waits until it has some again. Nobody is refused.
 */
export class HistoryTurns implements Disposable {
  readonly #limits: HistoryLimits;
  readonly #finding = new TurnQueue<() => void>();
  readonly #searching = new TurnQueue<() => void>();
  readonly #budgets = new LRUCache<string, ByteBudget>(KEPT_BUDGETS);
  readonly #places = new FairPlaces(MAX_READS);
  #waiting = 0;
  #turns = 0;
  #bytesRead = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** All bytes that were charged so far. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** How many readers wait for a turn now. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Runs a read when it is its owner's turn. */
  readonly limit: Limit = async ({ tenant, subject, isFinding }, read) => {
    const path = [tenant, subject];
    const turn = Promise.withResolvers<Disposable | undefined>();
    (isFinding ? this.#finding : this.#searching).push(path, () => turn.resolve(this.#places.take([tenant])));
    this.#waiting += 1;
    this.#begin();
    const place = await turn.promise;
    try {
      return await read((bytes) => {
        this.#bytesRead += bytes;
        this.#budgetOf([tenant]).charge(bytes, this.#limits.now());
        this.#budgetOf(path).charge(bytes, this.#limits.now());
      });
    } finally {
      place?.[Symbol.dispose]();
      this.#begin();
    }
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /** Lets as many begin as may. Owners in debt are few: each has read a minute's bytes within the last minute. */
  #begin(): void {
    clearTimeout(this.#timer);
    let waitMs = Number.POSITIVE_INFINITY;
    const mayHaveTurn = (path: readonly string[]): boolean => {
      if (path.length === 1 && !this.#places.hasRoom(path)) return false;
      const ownMs = this.#budgetOf(path).waitMs(this.#limits.now());
      if (ownMs > 0) waitMs = Math.min(waitMs, ownMs);
      return ownMs === 0;
    };
    for (let start = this.#next(mayHaveTurn); start !== undefined; start = this.#next(mayHaveTurn)) {
      this.#waiting -= 1;
      start();
    }
    if (waitMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#begin(), Math.ceil(waitMs));
  }

  #next(mayHaveTurn: (path: readonly string[]) => boolean): (() => void) | undefined {
    const isSearch = (this.#turns + 1) % ONE_TURN_OF === 0;
    const [first, second] = isSearch ? [this.#searching, this.#finding] : [this.#finding, this.#searching];
    const start = first.shift(mayHaveTurn) ?? second.shift(mayHaveTurn);
    if (start !== undefined) this.#turns += 1;
    return start;
  }

  #budgetOf(path: readonly string[]): ByteBudget {
    const key = path.join("\n");
    const known = this.#budgets.get(key);
    if (known !== undefined) return known;
    const [tenant = ""] = path;
    const { historyBytesPerMinute, subjectBytesPerMinute, now } = this.#limits;
    const perMinute = path.length === 1 ? () => historyBytesPerMinute(tenant) : () => subjectBytesPerMinute;
    const budget = new ByteBudget(perMinute, now());
    this.#budgets.set(key, budget);
    return budget;
  }
}

/** A minute's bytes, which may be used at once, and come back over a minute. A read may overdraw it: its size shows only then. */
class ByteBudget {
  /** Asked again each time: an operator may change a tenant's limit. */
  readonly #perMinute: () => number;
  #left: number;
  #at: number;

  constructor(perMinute: () => number, now: number) {
    this.#perMinute = perMinute;
    this.#left = perMinute();
    this.#at = now;
  }

  charge(bytes: number, now: number): void {
    this.#refill(now);
    this.#left -= bytes;
  }

  /** How long to wait until something is left; 0 where it is. */
  waitMs(now: number): number {
    this.#refill(now);
    return this.#left > 0 ? 0 : ((1 - this.#left) / this.#perMinute()) * MINUTE_MS;
  }

  #refill(now: number): void {
    const perMinute = this.#perMinute();
    this.#left = Math.min(perMinute, this.#left + ((now - this.#at) / MINUTE_MS) * perMinute);
    this.#at = now;
  }
}
