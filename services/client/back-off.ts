import type { Environment } from "./environment/environment.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** No two requests for a stream are nearer to each other, whatever happens: a loop costs one request a second at worst. */
const SHORTEST_MS = 1_000;

/** A connection that has lived so long was none that failed. */
const LIFE_MS = 10_000;

/**
 * How long to wait before the next connection: as long as the edge says, and where connections fail one after the other, a random part of
 * a time that doubles from 1 s to 30 s besides (full jitter). All sources of one stream have one: what the edge has asked for is
 * kept, whatever the page goes through meanwhile.
 */
export class BackOff {
  readonly #environment: Pick<Environment, "now" | "random">;
  #failures = 0;
  #owed = { since: 0, ms: 0 };

  constructor(environment: Pick<Environment, "now" | "random">) {
    this.#environment = environment;
  }

  /** The time that must pass before the next request, in milliseconds. A clock that was set back begins it anew. */
  get owedMs(): number {
    const now = this.#environment.now();
    this.#owed.since = Math.min(this.#owed.since, now);
    return Math.max(this.#owed.since + this.#owed.ms - now, 0);
  }

  /** A request is made now. */
  ask(): void {
    this.#owe(SHORTEST_MS);
  }

  /** The page itself wants another stream: that need not wait, but for what the edge has asked for. */
  hurry(): void {
    if (this.#owed.ms <= SHORTEST_MS) this.#owed.ms = 0;
  }

  /** A connection has ended. `livedMs` are counted from the request on; `retryMs` is what the edge has asked for. Answers milliseconds. */
  next({ livedMs, isFailure, retryMs }: { livedMs: number; isFailure: boolean; retryMs: number }): number {
    this.#owe(retryMs);
    if (livedMs >= LIFE_MS) this.#failures = 0;
    if (!isFailure) return retryMs;
    const ownMs = this.#environment.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    return retryMs + ownMs;
  }

  #owe(ms: number): void {
    this.#owed = { ms: Math.max(this.owedMs, ms), since: this.#environment.now() };
  }
}
