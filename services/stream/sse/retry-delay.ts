import { LRUCache } from "lru-cache";

/** The least that a client waits before it comes back, in milliseconds. */
export const MIN_RETRY_MS = 1_000;

/** Without pressure; delays are spread so that clients that were cut off together do not come back together. */
const CALM_MAX_MS = 3_000;

/** For a stream on an edge whose places are all taken. */
const FULL_MAX_MS = 30_000;

/** However many were refused, nobody waits longer. */
const REFUSED_MAX_MS = 60_000;

/** A stream that a later one of the same client has replaced: two tabs that chase each other do so once a minute at most. */
const REPLACED_MS = { min: 60_000, max: 120_000 };

/** What an edge is short of when it refuses a client: nothing of its own, places, or time. */
export type Shortage = "none" | "places" | "time";

/**
 * How many refused clients come back a second. A worker takes about a thousand handshakes; without a place, or time, most that
 * come back are refused again, so that 5 000 shall ask once in 25 s, or 50.
 */
const RETURNS_PER_SECOND: Readonly<Record<Shortage, number>> = { none: 1_000, places: 200, time: 100 };

/** Crowds that are remembered; one that is forgotten begins with the first turn again. */
const MAX_CROWDS = 1_000;

/** The clocks and dice of `RetryDelays`. */
export interface RetryDelaysDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** A number from 0 to less than 1. */
  readonly random?: () => number;
}

/**
 * How long the clients of this process wait before they come back, in whole milliseconds. Clients that are refused take
 * turns: each one gets the next free turn of its crowd, so that a crowd comes back as fast as the edge can take it, and no
 * faster. One crowd does not make another one wait.
 */
export class RetryDelays {
  readonly #now: () => number;
  readonly #random: () => number;
  /** When the last refused client of each crowd is to come back. */
  readonly #lastTurnAt = new LRUCache<string, number>({ max: MAX_CROWDS });

  constructor({ now, random = Math.random }: RetryDelaysDeps) {
    this.#now = now;
    this.#random = random;
  }

  /** For an accepted stream, whenever it ends; longer the nearer the edge is to being full, by `pressure` from 0 to 1. */
  forAccepted(pressure: number): number {
    return this.#between(MIN_RETRY_MS, CALM_MAX_MS + pressure * (FULL_MAX_MS - CALM_MAX_MS));
  }

  /**
   * For a client that is refused, or whose stream an overloaded edge ends. `crowd` names those who are refused together: a
   * tenant, or "" where it is not known for whom the client asks.
   */
  forRefused(crowd: string, shortage: Shortage): number {
    const now = this.#now();
    const apartMs = 1_000 / RETURNS_PER_SECOND[shortage];
    const turnAt = Math.max(now, (this.#lastTurnAt.get(crowd) ?? Number.NEGATIVE_INFINITY) + apartMs);
    const waitMs = turnAt - now;
    // No turn is left that comes soon enough: the rest is spread, and takes none.
    if (waitMs > REFUSED_MAX_MS - CALM_MAX_MS) return this.#between(REFUSED_MAX_MS / 2, REFUSED_MAX_MS);
    this.#lastTurnAt.set(crowd, turnAt);
    return this.#between(waitMs + MIN_RETRY_MS, waitMs + CALM_MAX_MS);
  }

  /** For a stream that a later one of the same client has replaced. */
  forReplaced(): number {
    return this.#between(REPLACED_MS.min, REPLACED_MS.max);
  }

  #between(fromMs: number, toMs: number): number {
    return Math.floor(fromMs + this.#random() * (toMs - fromMs));
  }
}
