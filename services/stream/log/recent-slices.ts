import { type EventEntry, firstSeqOf, type LogEntry } from "../event.ts";
import { entryBytes, frameBytes } from "./entry-bytes.ts";
import { type EntryHolder, letGo, type TailBudget } from "./tail.ts";

/** Readers that come within this time share what one of them has read. */
const KEPT_MS = 5_000;

/** More of one tenant would push the tails of others out. A slice that is alone may be larger. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A pending read is waited for where it begins at most so many sequences before: it reads up to 256. */
const NEAR = 128;

/** Entries that were read from JetStream, and when they were used last. */
interface Slice {
  readonly entries: readonly LogEntry[];
  readonly first: number;
  readonly last: number;
  readonly onFrame: (frame: Buffer) => void;
  bytes: number;
  usedAt: number;
}

/**
 * What readers of one tenant have read from JetStream of late. Those at near positions share it, and its frames: ten thousand
 * that come back together read a log once. It is charged to the budget of the tails.
 */
export class RecentSlices implements EntryHolder, Disposable {
  readonly #budget: TailBudget;
  readonly #clock: () => number;
  /** The least recently used one first. */
  readonly #slices = new Set<Slice>();
  /** By the sequence at which they begin. */
  readonly #pending = new Map<number, Promise<unknown>>();
  #bytes = 0;
  #round = 0;
  readAt: number;

  constructor(budget: TailBudget, clock: () => number) {
    this.#budget = budget;
    this.#clock = clock;
    this.readAt = clock();
    budget.add(this);
  }

  get length(): number {
    return this.#slices.size;
  }

  /** Rises whenever everything is forgotten: what was asked for before may not be shared. */
  get round(): number {
    return this.#round;
  }

  /** The entries behind `seq` of a slice that has the first of them. */
  after(seq: number): readonly LogEntry[] | undefined {
    const now = this.#clock();
    this.#dropUnused(now);
    for (const slice of this.#slices) {
      if (slice.first > seq + 1 || slice.last <= seq) continue;
      this.#slices.delete(slice);
      this.#slices.add(slice);
      slice.usedAt = now;
      this.readAt = now;
      return slice.entries.filter(({ position }) => position.seq > seq);
    }
    return undefined;
  }

  /** A read under way that probably has the entry behind `seq`. */
  pendingAt(seq: number): Promise<unknown> | undefined {
    for (const [begin, read] of this.#pending) {
      if (begin <= seq + 1 && seq + 1 < begin + NEAR) return read;
    }
    return undefined;
  }

  /** Does `read`, which begins behind `seq`, and keeps what it answers, unless everything was forgotten meanwhile. */
  async share(seq: number, read: () => Promise<readonly LogEntry[]>): Promise<readonly LogEntry[]> {
    const round = this.#round;
    const reading = read();
    const pending = reading.catch(() => undefined);
    this.#pending.set(seq + 1, pending);
    try {
      const entries = await reading;
      if (round === this.#round) this.#keep(entries);
      return entries;
    } finally {
      if (this.#pending.get(seq + 1) === pending) this.#pending.delete(seq + 1);
    }
  }

  /** Forgets everything: some of it may not be served any more. */
  clear(): void {
    this.#round += 1;
    this.#pending.clear();
    while (this.dropOldest());
  }

  dropOldest(): boolean {
    const [slice] = this.#slices;
    if (slice === undefined) return false;
    this.#slices.delete(slice);
    this.#bytes -= slice.bytes;
    this.#budget.refund(slice.bytes);
    slice.entries.forEach(letGo);
    return true;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#budget.remove(this);
  }

  #keep(entries: readonly LogEntry[]): void {
    const [begin, end] = [entries[0], entries.at(-1)];
    if (begin === undefined || end === undefined) return;
    const slice: Slice = {
      entries,
      first: firstSeqOf(begin),
      last: end.position.seq,
      onFrame: (frame) => this.#charge(slice, frameBytes(frame)),
      bytes: 0,
      usedAt: this.#clock(),
    };
    for (const event of eventsOf(slice)) event.onFrame = slice.onFrame;
    this.#slices.add(slice);
    this.readAt = slice.usedAt;
    this.#charge(
      slice,
      entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
    );
  }

  #charge(slice: Slice, bytes: number): void {
    slice.bytes += bytes;
    this.#bytes += bytes;
    this.#budget.charge(bytes);
    while (this.#bytes > MAX_BYTES && this.#slices.size > 1) this.dropOldest();
  }

  #dropUnused(now: number): void {
    for (const { usedAt } of this.#slices) {
      if (now - usedAt <= KEPT_MS) return;
      this.dropOldest();
    }
  }
}

function eventsOf({ entries }: Slice): EventEntry[] {
  return entries.filter((entry) => entry.kind === "event");
}
