import { within } from "#shared/async/within.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { mergeRecord } from "./merge.ts";
import { NOBODY, parseRecord, type SubscriptionRecord } from "./record.ts";
import {
  type StorableRecord,
  storable,
  type StoredRecord,
  type SubscriptionKey,
  type SubscriptionStore,
} from "./subscription-store.ts";

/** What nobody waits for is stored after this long. */
const LATER_MS = 1_000;

/** Many writes without an answer are one outage: the store has at most the first of them. */
const MAX_UNANSWERED = 8;

/** No more wait for one record: whoever acknowledges again and again while the store is away would fill the memory. */
const MAX_WAITING = 1_000;

const BACKOFF = { baseMs: 100, maxMs: 2_000 };

/** How long the last write may take. */
const CLOSE_MS = 2_000;

/** What a writer writes with. */
export interface WriterDeps {
  readonly store: Pick<SubscriptionStore, "read" | "put">;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** The least time between two writes of one record, in milliseconds. */
  readonly paceMs: () => number;
}

/** Whose record a writer writes. */
export interface WriterOwner {
  /** Brings the record up to date, right before it is written. */
  prepare(): void;
  /** Others have changed the record, and their changes are in it now. */
  merged(): void;
  /** The record is another holder's, or is gone. Nothing more is written. */
  lost(why: "replaced" | "changed"): void;
}

/** A write that is under way, until it is known whether it is stored. */
interface Attempt {
  readonly value: StorableRecord;
  readonly puts: number;
  readonly flushes: readonly PromiseWithResolvers<boolean>[];
}

/**
 * Stores the record of a hold, again and again, by compare-and-set. Many changes are one write. A write without an answer may be stored:
 * the record is read then, and the same write is made again where it is not.
 */
export class RecordWriter {
  readonly #key: SubscriptionKey;
  readonly #record: SubscriptionRecord;
  readonly #connectionId: string | undefined;
  readonly #owner: WriterOwner;
  readonly #deps: WriterDeps;
  /** Writes without an answer, by their number: any of them may be stored yet. */
  readonly #unanswered = new Map<number, string>();
  /** The write that is stored, and its text: what others change is found by comparing with it. */
  #stored: { readonly write: number; readonly text: string };
  #flushes: PromiseWithResolvers<boolean>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #isLost = false;
  #isClosing = false;

  constructor(key: SubscriptionKey, { record, write }: StoredRecord, owner: WriterOwner, deps: WriterDeps) {
    this.#key = key;
    this.#record = record;
    this.#connectionId = record.holder?.connectionId;
    this.#owner = owner;
    this.#deps = deps;
    this.#stored = { write, text: storable(record).text };
  }

  /** Whether as many wait for the next write as may. */
  get isFull(): boolean {
    return this.#flushes.length >= MAX_WAITING;
  }

  /** The record has changed, and nobody waits until that is stored. */
  touch(): void {
    this.#schedule(Math.max(this.#deps.now() + LATER_MS, this.#writtenAt + this.#deps.paceMs()));
  }

  /** Resolves once all that has changed so far is stored; with false where it never will be, because the record is lost. */
  flush(): Promise<boolean> {
    if (this.#isLost) return Promise.resolve(false);
    const flush = Promise.withResolvers<boolean>();
    this.#flushes.push(flush);
    this.#schedule(this.#writtenAt + this.#deps.paceMs());
    return flush.promise;
  }

  /** Writes for the last time, if the store answers within two seconds. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#isLost) return;
    const flush = Promise.withResolvers<boolean>();
    this.#flushes.push(flush);
    this.#schedule(Number.NEGATIVE_INFINITY);
    await within(CLOSE_MS, flush.promise);
    this.#give(false);
  }

  #schedule(at: number): void {
    if (this.#isLost || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    // While a write is under way, the next one is begun behind it.
    if (this.#writing !== undefined) return;
    const waitMs = Math.max(0, at - this.#deps.now());
    this.#timer = setTimeout(() => this.#begin(), waitMs);
  }

  #begin(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      const at = this.#timerAt;
      this.#timerAt = Number.POSITIVE_INFINITY;
      if (at < Number.POSITIVE_INFINITY) this.#schedule(at);
    });
  }

  async #write(): Promise<void> {
    this.#writtenAt = this.#deps.now();
    const flushes = this.#flushes.splice(0);
    this.#owner.prepare();
    this.#record.puts += 1;
    const attempt: Attempt = { value: storable(this.#record), puts: this.#record.puts, flushes };
    for (let failures = 0; !this.#isLost; failures += 1) {
      try {
        if (await this.#tryOnce(attempt, failures > 0)) return;
      } catch {
        // Nobody answers. What waits for this write waits on, as long as it likes.
        await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, BACKOFF)));
      }
    }
    for (const flush of flushes) flush.resolve(false);
  }

  /** Answers whether the attempt is stored, or in the next one. */
  async #tryOnce(attempt: Attempt, isUnsure: boolean): Promise<boolean> {
    const { store } = this.#deps;
    if (!isUnsure) {
      this.#unanswered.set(attempt.puts, attempt.value.text);
      const write = await store.put(this.#key, attempt.value, this.#stored.write);
      if (write !== undefined) {
        this.#settle(attempt, { write, text: attempt.value.text });
        return true;
      }
    }
    const stored = await store.read(this.#key);
    if (this.#isLost) return false;
    const holder = stored?.record.holder?.connectionId;
    if (stored === undefined || holder === NOBODY.connectionId) return this.#lose("changed");
    if (holder !== this.#connectionId) return this.#lose("replaced");
    const { text } = storable(stored.record);
    const base = this.#unanswered.get(stored.record.puts) ?? this.#stored.text;
    if (text !== base) this.#merge(base, stored.record);
    this.#stored = { write: stored.write, text };
    if (stored.record.puts === attempt.puts) {
      this.#settle(attempt, this.#stored);
      return true;
    }
    if (this.#unanswered.size > MAX_UNANSWERED) this.#unanswered.delete(Math.min(...this.#unanswered.keys()));
    // What others have changed must not be written over: the next write has both.
    this.#flushes.unshift(...attempt.flushes);
    this.#timerAt = Number.NEGATIVE_INFINITY;
    return true;
  }

  #settle({ flushes }: Attempt, stored: { readonly write: number; readonly text: string }): void {
    this.#stored = stored;
    this.#unanswered.clear();
    for (const flush of flushes) flush.resolve(true);
  }

  #merge(base: string, theirs: SubscriptionRecord): void {
    const before = parseRecord(base);
    if (before.is === "record") mergeRecord(this.#record, before.record, theirs);
    this.#owner.merged();
  }

  #lose(why: "replaced" | "changed"): false {
    const isNews = !this.#isLost && !this.#isClosing;
    this.#give(false);
    if (isNews) this.#owner.lost(why);
    return false;
  }

  #give(isStored: boolean): void {
    this.#isLost = true;
    clearTimeout(this.#timer);
    for (const flush of this.#flushes.splice(0)) flush.resolve(isStored);
  }
}
