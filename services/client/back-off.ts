import type { Environment } from "./environment/environment.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** No two requests for a stream are nearer to each other, whatever happens: a loop costs one request a second at worst. */
const SHORTEST_MS = 1_000;

/** A connection that has lived so long was none that failed. */
const LIFE_MS = 10_000;

/**
 * How long to wait before the next connection: as long as the edge says, and where connections fail one after the other, a random part of
 * a time that doubles from 1 s to 30 s besides (full jitter).
 */
export class BackOff {
  readonly #random: () => number;
  #failures = 0;

  constructor({ random }: Pick<Environment, "random">) {
    this.#random = random;
  }

  /** `livedMs` are counted from the request on; `toldMs` is what the edge has asked for. Answers milliseconds. */
  next({
    livedMs,
    isFailure,
    toldMs = 0,
  }: {
    livedMs: number;
    isFailure: boolean;
    toldMs?: number | undefined;
  }): number {
    if (livedMs >= LIFE_MS) this.#failures = 0;
    let ownMs = 0;
    if (isFailure) {
      ownMs = this.#random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
      this.#failures = Math.min(this.#failures + 1, 16);
    }
    return Math.max(SHORTEST_MS - livedMs, toldMs + ownMs);
  }
}
