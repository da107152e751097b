import type { Clock } from "#shared/time/clock.ts";

/** A machine's clock runs wrong by no more than this share of the time. */
const MAX_DRIFT = 0.001;

/** How far auth's clock is from this machine's monotonic one. */
interface Offset {
  readonly ms: number;
  /** Half the round trip of the answer it was read from. */
  readonly errorMs: number;
  readonly readAt: number;
}

/**
 * The time by auth's clock. Tokens carry times of that clock, so they are judged by it: this machine's wall clock may be wrong.
 * Each answer of auth tells its time; the answer with the shortest round trip says it best. Reading the time has no effects.
 */
export class AuthTime {
  readonly #clock: Clock;
  #offset: Offset | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether auth has told its time since the start, or since `forget`. */
  get isKnown(): boolean {
    return this.#offset !== undefined;
  }

  /** Milliseconds since 1970 by auth's clock; by this machine's while auth's is not known. */
  now(): number {
    return this.#offset === undefined ? this.#clock.wall() : this.#clock.monotonic() + this.#offset.ms;
  }

  /** Takes the time of an answer that has just come; `askedAt` is the monotonic time of its question. */
  learn(serverTimeMs: number, askedAt: number): void {
    const answeredAt = this.#clock.monotonic();
    const errorMs = (answeredAt - askedAt) / 2;
    const ms = serverTimeMs - (askedAt + errorMs);
    const known = this.#offset;
    if (known !== undefined) {
      const knownErrorMs = known.errorMs + (answeredAt - known.readAt) * MAX_DRIFT;
      // Offsets further apart than their errors explain: auth's clock was set.
      const isSet = Math.abs(ms - known.ms) > errorMs + knownErrorMs;
      if (!isSet && errorMs > knownErrorMs) return;
    }
    this.#offset = { ms, errorMs, readAt: answeredAt };
  }

  /** The monotonic clock cannot be relied on since the last answer: the machine slept. */
  forget(): void {
    this.#offset = undefined;
  }
}
