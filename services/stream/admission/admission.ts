import { AppError } from "#shared/errors/app-error.ts";

/** The share of places up to which clients may come back soon. */
const CALM_SHARE = 0.8;

/** Decides whether this edge takes another stream right now. */
export class Admission {
  readonly #maxConnections: number;
  #open = 0;
  #draining = false;

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections;
  }

  get open(): number {
    return this.#open;
  }

  /** How near the edge is to taking no more: 0 up to four fifths of its places, 1 with all of them taken. */
  get pressure(): number {
    return Math.max(0, (this.#open / this.#maxConnections - CALM_SHARE) / (1 - CALM_SHARE));
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /**
   * Takes a place; give it back with `leave`.
   * @throws {AppError} `unavailable` while draining or full.
   */
  enter(): void {
    this.requireServing();
    if (this.#open >= this.#maxConnections) throw new AppError("unavailable", "this server is full");
    this.#open += 1;
  }

  /** @throws {AppError} `unavailable` while draining, which may have begun since `enter`. */
  requireServing(): void {
    if (this.#draining) throw new AppError("unavailable", "this server is going away; another one is there");
  }

  leave(): void {
    this.#open -= 1;
  }

  drain(): void {
    this.#draining = true;
  }
}
