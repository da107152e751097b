import { type EventEntry, firstSeqOf, holeOf, type LogEntry } from "../event.ts";

/** What an entry costs beside its payload: objects, the frame it was encoded into. */
const ENTRY_OVERHEAD_BYTES = 400;

/** What a frame adds to its payload; it also bounds how many empty entries one slice holds. */
const FRAME_OVERHEAD_BYTES = 100;

/** Bounds the memory of all tails of a process together; the tenant whose tail was read least recently gives way first. */
export class TailBudget {
  readonly #maxBytes: number;
  readonly #tails = new Set<Tail>();
  #bytes = 0;
  #victim: { readonly tail: Tail | undefined; readonly readAt: number } = { tail: undefined, readAt: 0 };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(tail: Tail): void {
    this.#tails.add(tail);
  }

  remove(tail: Tail): void {
    this.#tails.delete(tail);
    if (this.#victim.tail === tail) this.#victim = { tail: undefined, readAt: 0 };
  }

  charge(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes && this.#evictOne());
  }

  refund(bytes: number): void {
    this.#bytes -= bytes;
  }

  #evictOne(): boolean {
    // Read times only rise: a victim stays the victim until its tail is read or empty. A search through a thousand tails
    // for each entry would cost more than the entry.
    const { tail, readAt } = this.#victim;
    if (tail === undefined || tail.length === 0 || tail.readAt !== readAt) this.#chooseVictim();
    return this.#victim.tail?.dropOldest() ?? false;
  }

  #chooseVictim(): void {
    let victim: Tail | undefined;
    for (const tail of this.#tails) {
      if (tail.length > 0 && (victim === undefined || tail.readAt < victim.readAt)) victim = tail;
    }
    this.#victim = { tail: victim, readAt: victim?.readAt ?? 0 };
  }
}

/** The last entries of a tenant's log in memory, without a break: a hole takes the place of what is gone from the log. */
export class Tail implements Disposable {
  readonly #budget: TailBudget;
  readonly #clock: () => number;
  #entries: LogEntry[] = [];
  #head = 0;
  readAt: number;

  constructor(budget: TailBudget, clock: () => number) {
    this.#budget = budget;
    this.#clock = clock;
    this.readAt = clock();
    budget.add(this);
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** Adds the entry that follows the last one. */
  append(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#budget.charge(costOf(entry));
  }

  /** The entry that covers `seq`, if it is in memory. */
  at(seq: number): LogEntry | undefined {
    const index = this.#indexOf(seq);
    return index === undefined ? undefined : this.#entries[index];
  }

  /**
   * The entries that follow `seq`, up to about `maxBytes` of frames but at least one; undefined when the first of them is
   * not in memory.
   */
  after(seq: number, maxBytes: number): readonly LogEntry[] | undefined {
    const start = this.#indexOf(seq + 1);
    if (start === undefined) return undefined;
    this.readAt = this.#clock();
    let end = start;
    let bytes = 0;
    for (; end < this.#entries.length && (bytes < maxBytes || end === start); end += 1) {
      bytes += payloadBytes(this.#entries[end]) + FRAME_OVERHEAD_BYTES;
    }
    return this.#entries.slice(start, end);
  }

  /** Replaces every event that `isErased` names by a hole, and refunds its memory. */
  erase(isErased: (event: EventEntry) => boolean): void {
    for (let index = this.#head; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry?.kind !== "event" || !isErased(entry)) continue;
      const hole = holeOf(entry.position.seq, entry.position.seq);
      this.#entries[index] = hole;
      this.#budget.refund(costOf(entry) - costOf(hole));
    }
  }

  /** Forgets the oldest entry; false when there is none. */
  dropOldest(): boolean {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return false;
    this.#head += 1;
    this.#budget.refund(costOf(entry));
    // Compacting at half keeps the cost of a drop constant on average; shift() would move the whole array each time.
    if (this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** Forgets the entries before `seq`. */
  dropBefore(seq: number): void {
    while ((this.#entries[this.#head]?.position.seq ?? seq) < seq) this.dropOldest();
  }

  /** Forgets everything: the next entry does not follow the last one. */
  clear(): void {
    while (this.dropOldest());
  }

  /** The index of the entry that covers `seq`. A hole covers many sequences, so it is searched, not computed. */
  #indexOf(seq: number): number | undefined {
    const [first, last] = [this.#entries[this.#head], this.#entries.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    if (seq < firstSeqOf(first) || seq > last.position.seq) return undefined;
    let [low, high] = [this.#head, this.#entries.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.position.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#budget.remove(this);
  }
}

function payloadBytes(entry: LogEntry | undefined): number {
  return entry?.kind === "event" ? entry.payload.length : 0;
}

function costOf(entry: LogEntry): number {
  return payloadBytes(entry) * 2 + ENTRY_OVERHEAD_BYTES;
}
