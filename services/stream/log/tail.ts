import { type ControlEntry, type EventEntry, firstSeqOf, holeOf, type LogEntry, type Position } from "../event.ts";
import { entryBytes, frameBytes } from "./entry-bytes.ts";
import { BLOCK_ENTRIES, isWanted, TopicBlock, type WantedTopic, wantedTopic } from "./topic-block.ts";

/** What a frame adds to its payload; it also bounds how many empty entries one slice holds. */
const FRAME_OVERHEAD_BYTES = 100;

/** A reader far behind looks for its entries in steps of about so many milliseconds. */
const MAX_LOOK_MS = 0.5;

/** The log from one position up to another. Events that a reader has not asked for may be left out. */
export interface Slice {
  readonly entries: readonly LogEntry[];
  /** The last position that the slice covers, listed or left out. */
  readonly end: Position;
}

/** Holds entries of a log in memory, and gives them up for others. */
export interface EntryHolder {
  /** How many it could give up. */
  readonly length: number;
  /** The time of its last use. It only rises. */
  readonly readAt: number;
  /** Gives up the oldest; false when there is none. */
  dropOldest(): boolean;
}

/**
 * Bounds the memory of all entries that a process holds together: those of tails and those that were read from JetStream. The
 * tenant whose entries were read least recently gives way first.
 */
export class TailBudget {
  readonly #maxBytes: number;
  readonly #holders = new Set<EntryHolder>();
  #bytes = 0;
  #victim: { readonly holder: EntryHolder | undefined; readonly readAt: number } = { holder: undefined, readAt: 0 };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(holder: EntryHolder): void {
    this.#holders.add(holder);
  }

  /** How much is held now, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  remove(holder: EntryHolder): void {
    this.#holders.delete(holder);
    if (this.#victim.holder === holder) this.#victim = { holder: undefined, readAt: 0 };
  }

  charge(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes && this.#evictOne());
  }

  refund(bytes: number): void {
    this.#bytes -= bytes;
  }

  #evictOne(): boolean {
    // Read times only rise: a victim stays the victim until it is read or empty. A search through a thousand holders for
    // each entry would cost more than the entry.
    const { holder, readAt } = this.#victim;
    if (holder === undefined || holder.length === 0 || holder.readAt !== readAt) this.#chooseVictim();
    return this.#victim.holder?.dropOldest() ?? false;
  }

  #chooseVictim(): void {
    let victim: EntryHolder | undefined;
    for (const holder of this.#holders) {
      if (holder.length > 0 && (victim === undefined || holder.readAt < victim.readAt)) victim = holder;
    }
    this.#victim = { holder: victim, readAt: victim?.readAt ?? 0 };
  }
}

/** The last entries of a tenant's log in memory, without a break: a hole takes the place of what is gone from the log. */
export class Tail implements EntryHolder, Disposable {
  readonly #budget: TailBudget;
  readonly #clock: () => number;
  /** Before `#head` there is nothing: what was given up must not be held until the array is compacted. */
  #entries: (LogEntry | undefined)[] = [];
  #head = 0;
  /** By the number of the block. A block that is here is complete, and changes no more. */
  readonly #blocks = new Map<number, TopicBlock>();
  readonly #onFrame = (frame: Buffer): void => this.#budget.charge(frameBytes(frame));
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
    const held = entry.kind === "control" ? withoutContents(entry) : entry;
    if (held.kind === "event") held.onFrame = this.#onFrame;
    this.#entries.push(held);
    this.#budget.charge(entryBytes(held));
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
    return this.#entries.slice(start, end) as LogEntry[];
  }

  /**
   * What follows `seq` without the events that no pattern asks for, up to about `maxBytes` of frames; undefined when the first
   * entry is not in memory. It may end early: far behind the horizon that is one step of many.
   */
  wantedAfter(seq: number, maxBytes: number, patterns: readonly string[]): Slice | undefined {
    const first = this.#indexOf(seq + 1);
    if (first === undefined) return undefined;
    this.readAt = this.#clock();
    const until = this.readAt + MAX_LOOK_MS;
    const topics = patterns.map(wantedTopic);
    const entries: LogEntry[] = [];
    let end: Position = { seq, tag: "0" };
    let bytes = 0;
    for (let index = first; index < this.#entries.length && (index === first || this.#clock() <= until);) {
      const part = this.#wantedFrom(index, topics);
      for (const entry of part.entries) {
        if (entry.position.seq <= seq) continue;
        // A gap is told from the entry before the hole.
        const before = entry.kind === "hole" ? this.at(entry.first - 1) : undefined;
        if (before !== undefined && before.position.seq > (entries.at(-1)?.position.seq ?? seq)) entries.push(before);
        entries.push(entry);
        bytes += payloadBytes(entry) + FRAME_OVERHEAD_BYTES;
        if (bytes >= maxBytes) return { entries, end: entry.position };
      }
      ({ end, next: index } = part);
    }
    return { entries, end };
  }

  /** Replaces every event that `isErased` names by a hole, and refunds its memory. */
  erase(isErased: (event: EventEntry) => boolean): void {
    this.#blocks.clear();
    for (let index = this.#head; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry?.kind !== "event" || !isErased(entry)) continue;
      const hole = holeOf(entry.position.seq, entry.position.seq);
      this.#entries[index] = hole;
      this.#budget.refund(entryBytes(entry) - entryBytes(hole));
      letGo(entry);
    }
  }

  /** Forgets the oldest entry; false when there is none. */
  dropOldest(): boolean {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return false;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    this.#blocks.delete(blockOf(entry));
    this.#budget.refund(entryBytes(entry));
    letGo(entry);
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

  /** The wanted entries of one block, or of a part of one that is not complete; `next`: the index behind it. */
  #wantedFrom(index: number, topics: readonly WantedTopic[]): Slice & { readonly next: number } {
    const number = blockOf(this.#entries[index]);
    let begin = index;
    while (begin > this.#head && blockOf(this.#entries[begin - 1]) === number) begin -= 1;
    const block = this.#blocks.get(number) ?? this.#makeBlock(number, begin);
    if (block !== undefined) return { entries: block.select(topics), end: block.end, next: begin + block.length };
    let next = index;
    while (next < this.#entries.length && blockOf(this.#entries[next]) === number) next += 1;
    const part = this.#entries.slice(index, next) as [LogEntry, ...LogEntry[]];
    const { position } = part.at(-1) ?? part[0];
    return { entries: part.filter((entry) => isWanted(entry, topics)), end: position, next };
  }

  /** Makes a block of the entries from `begin` on; undefined where its first ones are gone, or its last ones are still to come. */
  #makeBlock(number: number, begin: number): TopicBlock | undefined {
    const [first, last] = [this.#entries[begin], this.#entries.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const isWhole = begin > this.#head || firstSeqOf(first) <= number * BLOCK_ENTRIES;
    if (!isWhole || last.position.seq < (number + 1) * BLOCK_ENTRIES - 1) return undefined;
    let end = begin;
    while (end < this.#entries.length && blockOf(this.#entries[end]) === number) end += 1;
    const block = new TopicBlock(this.#entries.slice(begin, end) as [LogEntry, ...LogEntry[]]);
    this.#blocks.set(number, block);
    return block;
  }
}

/** The number of an entry's block: so many sequences each, by the last one that the entry covers. */
function blockOf(entry: LogEntry | undefined): number {
  return entry === undefined ? -1 : Math.floor(entry.position.seq / BLOCK_ENTRIES);
}

function payloadBytes(entry: LogEntry | undefined): number {
  return entry?.kind === "event" ? entry.payload.length : 0;
}

/** Readers pass control entries, and the feed has applied this one: what it says may be long, and nobody reads it again. */
function withoutContents(entry: ControlEntry): ControlEntry {
  return { ...entry, change: { of: "unknown" } };
}

/** Frees an entry's frames, too: a reader may still hold the entry, and no budget counts them now. */
export function letGo(entry: LogEntry): void {
  if (entry.kind !== "event") return;
  entry.onFrame = undefined;
  entry.frames = undefined;
}
