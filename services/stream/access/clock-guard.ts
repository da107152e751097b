import type { Clock } from "#shared/time/clock.ts";

/** Wall and monotonic clock may part by this much before deadlines are no longer believed. */
const MAX_DRIFT_MS = 2_000;

/**
 * Notices that the two clocks parted: the machine slept (its monotonic clock did not count the time) or somebody set the
 * wall clock. Deadlines counted on the monotonic clock mean nothing then, until auth has answered again.
 */
export class ClockGuard {
  readonly #clock: Clock;
  readonly #onJump: () => void;
  #offset: number;

  constructor(clock: Clock, onJump: () => void) {
    this.#clock = clock;
    this.#onJump = onJump;
    this.#offset = clock.wall() - clock.monotonic();
  }

  /** The monotonic time. Calls `onJump` first when the clocks have parted since the last look. */
  now(): number {
    const monotonic = this.#clock.monotonic();
    const offset = this.#clock.wall() - monotonic;
    if (Math.abs(offset - this.#offset) > MAX_DRIFT_MS) {
      this.#offset = offset;
      this.#onJump();
    }
    return monotonic;
  }
}
