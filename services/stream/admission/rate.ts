import type { Count, SharedCounts } from "./shared-counts.ts";

/** More callers than that in one window are not told apart: a stranger must not decide how much memory they take. */
const MAX_CALLERS = 50_000;

/** What a rate counts, and for how long. */
export interface RateOptions {
  /** Keeps its keys apart from other rates'. */
  readonly name: string;
  readonly windowMs: number;
  /** Milliseconds since 1970: all workers begin a window together. */
  readonly wall: () => number;
}

/**
 * Counts what callers do within a window, over all workers and edges. Only callers that come near their limit are told to the
 * others, so that together they may allow half as much again.
 */
export class Rate {
  readonly #counts: SharedCounts;
  readonly #options: RateOptions;
  readonly #callers = new Map<string, Count>();
  #window = 0;

  constructor(counts: SharedCounts, options: RateOptions) {
    this.#counts = counts;
    this.#options = options;
  }

  /** Counts one more of a caller; where there is no room, answers how many milliseconds its window still lasts instead. */
  take(caller: string, limit: number): number | undefined {
    const { name, windowMs, wall } = this.#options;
    const now = wall();
    const window = Math.floor(now / windowMs);
    if (window !== this.#window) this.#begin(window);
    let count = this.#callers.get(caller);
    if (count === undefined) {
      if (this.#callers.size >= MAX_CALLERS) return undefined;
      count = this.#counts.at(`${name} ${window} ${caller}`);
      this.#callers.set(caller, count);
    }
    if (!this.#counts.hasRoom(count, limit)) return windowMs - (now % windowMs);
    this.#counts.addQuietly(count, limit);
    return undefined;
  }

  /** Whether a caller has no room left in this window. Counts nothing. */
  isSpent(caller: string, limit: number): boolean {
    const count = this.#callers.get(caller);
    const { windowMs, wall } = this.#options;
    if (count === undefined || Math.floor(wall() / windowMs) !== this.#window) return false;
    return !this.#counts.hasRoom(count, limit);
  }

  #begin(window: number): void {
    for (const count of this.#callers.values()) this.#counts.drop(count);
    this.#callers.clear();
    this.#window = window;
  }
}
