import { setTimeout as delay } from "node:timers/promises";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import { firstSeqOf, holeOf, type LogEntry } from "../event.ts";
import type { Bounds } from "./resume.ts";
import type { TenantLog } from "./tenant-log.ts";

/** The most bytes that are read and written before the socket is checked again. */
const SLICE_BYTES = 64 * 1024;

const BACKOFF = { baseMs: 50, maxMs: 2_000 };

/** Lets a bounded number of readers fetch at a time, tenant by tenant. */
export type Limit = <T>(tenant: string, fetch: () => Promise<T>) => Promise<T>;

/** The log in slices for one reader behind the horizon: from the tail, or from JetStream where the tail has no more. */
export class Slices {
  readonly #log: TenantLog;
  readonly #limit: Limit;
  #fetched: readonly LogEntry[] = [];
  /** The count of purges when `#fetched` was asked for. */
  #purges = 0;
  #isSecondRead = false;
  #failures = 0;

  constructor(log: TenantLog, limit: Limit) {
    this.#log = log;
    this.#limit = limit;
  }

  /** The entries after `seq` that are in memory, none beyond the horizon; undefined when they must be fetched. */
  after(seq: number): readonly LogEntry[] | undefined {
    const inTail = this.#log.tail.after(seq, SLICE_BYTES);
    if (inTail !== undefined) return inTail;
    const usable = this.#current().flatMap((entry) => (entry.position.seq > seq ? (this.#usable(entry) ?? []) : []));
    this.#fetched = [];
    return usable.length === 0 ? undefined : usable;
  }

  /**
   * Fetches the entries after `seq`, or waits up to 2 s where the log cannot be read. When entries before the next one are
   * gone, answers its sequence and why.
   */
  async fetch(seq: number): Promise<Pick<Bounds, "first" | "goneBy"> | undefined> {
    let purges = 0;
    try {
      const entries = await this.#limit(this.#log.tenant, () => {
        // Not before: a purge while it waits for its turn says nothing of what it reads then.
        ({ purges } = this.#log.erasures);
        return this.#log.history.after(seq, SLICE_BYTES);
      });
      // A replica that lags behind has nothing yet, and a stream that was purged has nothing any more.
      const [next] = entries;
      const first = next === undefined ? undefined : firstSeqOf(next);
      const bounds = first === seq + 1 ? undefined : await this.#log.history.bounds();
      this.#fetched = entries;
      this.#purges = purges;
      const goneTo = first ?? bounds?.first ?? 0;
      if (bounds !== undefined && goneTo > seq + 1) {
        return { first: Math.min(goneTo, this.#log.horizon.seq + 1), goneBy: bounds.goneBy };
      }
      if (entries.length === 0) throw new AppError("unavailable", "the log has nothing to read here yet");
      this.#failures = 0;
    } catch (error) {
      if (toAppError(error).code !== "unavailable") throw error;
      this.#failures += 1;
      await delay(backoffMs(this.#failures, BACKOFF));
    }
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
