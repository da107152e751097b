import { NEAR_MS } from "./pacing.ts";

/** So many count: the one in the middle tells a link that is slow from a broker that stood still once. */
const KEPT = 3;

/** A round trip that is longer by this factor than is usual is measured again at once. */
const UNUSUAL = 2;

/** The last round trips to the broker, in milliseconds. */
export class RoundTrips {
  #kept: number[];

  constructor(first: number) {
    this.#kept = [first];
  }

  /** What a round trip takes; one that took longer than those around it does not count. */
  get usual(): number {
    const sorted = this.#kept.toSorted((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  }

  /** Adds one, and answers whether another is to be measured at once, to learn whether it is usual now. */
  add(ms: number): boolean {
    const isUnusual = ms > Math.max(NEAR_MS, UNUSUAL * this.usual);
    this.#kept = [...this.#kept, ms].slice(-KEPT);
    return isUnusual;
  }

  /** The first one of a new connection: what was measured of the one before says nothing of it. */
  startOver(ms: number): void {
    this.#kept = [ms];
  }
}
