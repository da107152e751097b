import { setTimeout as delay } from "node:timers/promises";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { firstSeqOf, holeOf, type LogEntry, type Position } from "../event.ts";
import { readBytes } from "./entry-bytes.ts";
import type { Limit } from "./history-turns.ts";
import type { Bounds } from "./resume.ts";
import type { Slice } from "./tail.ts";
import type { TenantLog } from "./tenant-log.ts";

/** The most bytes that are read and written before the socket is checked again. */
const SLICE_BYTES = 64 * 1024;

/** After so many slices of history with nothing for the reader, the leader is asked where the next event for it is. */
const SEARCH_AFTER = 4;

/** After each so many slices with nothing for the reader, its client is sent how far it is: a megabyte or so. */
const MARK_EVERY = 16;

/** The leader is asked about each pattern, and the tail looked through for each. For more of them the log is read entry by entry. */
const MAX_SEARCHED = 16;

/** Reads of others that are waited for. With large events each of them may end before the one that is wanted. */
const MAX_WAITS = 3;

const BACKOFF = { baseMs: 50, maxMs: 2_000 };

/** A reader, as far as it decides what is fetched for it. */
export interface SliceFor {
  readonly subject: string;
  readonly topics: readonly string[];
  /** Whether anybody still waits for what is fetched. */
  isWanted(): boolean;
}

/** What lies behind a position without entries for a reader: `gone` from the log, or `quiet` up to another position. */
export type Passage = { readonly gone: Pick<Bounds, "first" | "goneBy"> } | { readonly quietTo: Position };

/**
 * The log in slices for one reader behind the horizon: from the tail, or from JetStream where the tail has no more. What one
 * reader has read is there for others at near positions.
 */
export class Slices {
  readonly #log: TenantLog;
  readonly #limit: Limit;
  #fetched: readonly LogEntry[] = [];
  /** The count of purges when `#fetched` was asked for. */
  #purges = 0;
  #isSecondRead = false;
  #failures = 0;
  /** Slices in a row that had nothing for the reader, and after how many the leader is asked. */
  #empty = 0;
  #searchAfter = SEARCH_AFTER;

  constructor(log: TenantLog, limit: Limit) {
    this.#log = log;
    this.#limit = limit;
  }

  /**
   * The entries after `seq` that are in memory, none beyond the horizon; undefined when they must be fetched. Events that are not
   * under `topics` may be left out; without `topics` none is.
   */
  after(seq: number, topics?: readonly string[]): Slice | undefined {
    const { tail } = this.#log;
    const isSearched = topics !== undefined && topics.length <= MAX_SEARCHED;
    const inTail = isSearched ? tail.wantedAfter(seq, SLICE_BYTES, topics) : sliceOf(tail.after(seq, SLICE_BYTES));
    if (inTail !== undefined) return inTail;
    this.#fetched = this.#current().filter(({ position }) => position.seq > seq);
    const known = this.#fetched.length > 0 ? this.#fetched : this.#log.recent.after(seq);
    return sliceOf(known?.flatMap((entry) => this.#usable(entry) ?? []));
  }

  /** Notes whether the reader has read anything for it in a slice. */
  note(isFinding: boolean): void {
    this.#empty = isFinding ? 0 : this.#empty + 1;
    if (isFinding) this.#searchAfter = SEARCH_AFTER;
  }

  /** Whether the reader has gone another long way with nothing for it. */
  get isAtMark(): boolean {
    return this.#empty > 0 && this.#empty % MARK_EVERY === 0;
  }

  /**
   * Fetches the entries after `seq`, or waits up to 2 s where the log cannot be read. Answers what the reader may pass without
   * any entries, if it may.
   */
  async fetch(seq: number, reader: SliceFor): Promise<Passage | undefined> {
    const owner = { tenant: this.#log.tenant, subject: reader.subject, isFinding: this.#empty === 0 };
    try {
      const passage = await this.#limit(owner, (charge) => this.#read(seq, reader, charge));
      this.#failures = 0;
      return passage;
    } catch (error) {
      if (toAppError(error).code !== "unavailable") throw error;
      this.#failures += 1;
      await delay(backoffMs(this.#failures, BACKOFF));
      return undefined;
    }
  }

  async #read(seq: number, reader: SliceFor, charge: (bytes: number) => void): Promise<Passage | undefined> {
    const { recent } = this.#log;
    // While it waited for its turn, others may have read the same, or begun to.
    for (let wait = 0; wait < MAX_WAITS && recent.after(seq) === undefined; wait += 1) {
      const pending = recent.pendingAt(seq);
      if (pending === undefined) break;
      await pending;
    }
    if (!reader.isWanted() || recent.after(seq) !== undefined) return undefined;
    if (this.#empty >= this.#searchAfter && reader.topics.length <= MAX_SEARCHED) {
      charge(SLICE_BYTES);
      const quietTo = await this.#search(seq, reader.topics);
      if (quietTo !== undefined) return { quietTo };
    }
    return this.#readNext(seq, charge);
  }

  /** Asks where the next event for the reader is. Where that does not help, the next time is twice as far. */
  async #search(seq: number, topics: readonly string[]): Promise<Position | undefined> {
    const { history, horizon, epoch } = this.#log;
    const to = await history.quietAfter(seq, topics, horizon, epoch);
    if (to === undefined) this.#searchAfter = 2 * this.#empty;
    return to;
  }

  async #readNext(seq: number, charge: (bytes: number) => void): Promise<Passage | undefined> {
    const { recent, history, erasures, horizon } = this.#log;
    // Not before: a purge while it waits for its turn says nothing of what it reads then.
    const { purges } = erasures;
    const entries = await recent.share(seq, () => history.after(seq, SLICE_BYTES));
    charge(entries.reduce((sum, entry) => sum + readBytes(entry), 0));
    // A replica that lags behind has nothing yet, and a stream that was purged has nothing any more.
    const [next] = entries;
    const first = next === undefined ? undefined : firstSeqOf(next);
    const bounds = first === seq + 1 ? undefined : await history.bounds(seq);
    this.#fetched = entries;
    this.#purges = purges;
    const goneTo = first ?? bounds?.first ?? 0;
    if (bounds !== undefined && goneTo > seq + 1) {
      return { gone: { first: Math.min(goneTo, horizon.seq + 1), goneBy: bounds.goneBy } };
    }
    if (entries.length === 0) throw new AppError("unavailable", "the log has nothing to read here yet");
    return undefined;
  }

  /**
   * What was fetched, unless a purge was noticed since: then it is read once more. Not a third time: where reading takes longer
   * than the time between two purges, the reader would never get on.
   */
  #current(): readonly LogEntry[] {
    const isCurrent = this.#isSecondRead || this.#purges === this.#log.erasures.purges;
    this.#isSecondRead = !isCurrent && this.#fetched.length > 0;
    return isCurrent ? this.#fetched : [];
  }

  /** The part of a fetched entry that may be served: nothing beyond the horizon, nothing erased meanwhile. */
  #usable(entry: LogEntry): LogEntry | undefined {
    const horizon = this.#log.horizon.seq;
    const { seq } = entry.position;
    if (firstSeqOf(entry) > horizon) return undefined;
    if (entry.kind === "hole") return holeOf(entry.first, Math.min(seq, horizon));
    return entry.kind === "event" && this.#log.erasures.covers(entry) ? holeOf(seq, seq) : entry;
  }
}

/** A slice of all these entries; undefined where there is none. */
function sliceOf(entries: readonly LogEntry[] | undefined): Slice | undefined {
  const last = entries?.at(-1);
  return entries === undefined || last === undefined ? undefined : { entries, end: last.position };
}
