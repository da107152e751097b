import { type Clock, MAX_PARTING_MS } from "#shared/time/clock.ts";

/** A machine's clock drifts by no more than this share of the time. */
const MAX_DRIFT = 0.001;

/** How far auth's clock is from this machine's monotonic one. */
interface Offset {
  readonly ms: number;
  /** Half the round trip of the answer it was read from. */
  readonly errorMs: number;
  readonly readAt: number;
  /** How far this machine's wall clock was from its monotonic one. */
  readonly wallMs: number;
}

/** A question about a session of nobody: its answer carries the time. */
export const TIME_QUESTION = {
  tenant: "-",
  sid: "-",
  subject: "-",
  tokenExpiresAt: 1,
  extend: false,
  contextId: "time",
};

/**
 * The time by auth's clock. Times in tokens are of that clock; this machine's wall clock may be wrong. Each answer of auth
 * carries its time; the shortest round trip gives the best estimate. It is not known any more once this machine's clocks have parted: the
 * machine slept, and its monotonic clock stood still. Reading the time has no effects.
 */
export class AuthTime {
  readonly #clock: Clock;
  #offset: Offset | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether auth has answered since the start, or since the clocks have parted. */
  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** Milliseconds since 1970 by auth's clock; by this machine's while auth's is not known. */
  now(): number {
    const known = this.#known;
    return known === undefined ? this.#clock.wall() : this.#clock.monotonic() + known.ms;
  }

  /** Learns the time from an answer that has just come; `askedAt` is the monotonic time of its question. */
  learn(serverTimeMs: number, askedAt: number): void {
    const answeredAt = this.#clock.monotonic();
    const errorMs = (answeredAt - askedAt) / 2;
    const ms = serverTimeMs - (askedAt + errorMs);
    const known = this.#known;
    if (known !== undefined) {
      const knownErrorMs = known.errorMs + (answeredAt - known.readAt) * MAX_DRIFT;
      // Offsets that differ by more than their errors: auth's clock was set.
      const isSet = Math.abs(ms - known.ms) > errorMs + knownErrorMs;
      if (!isSet && errorMs > knownErrorMs) return;
    }
    this.#offset = { ms, errorMs, readAt: answeredAt, wallMs: this.#wallMs };
  }

  get #known(): Offset | undefined {
    const offset = this.#offset;
    return offset !== undefined && Math.abs(this.#wallMs - offset.wallMs) <= MAX_PARTING_MS ? offset : undefined;
  }

  get #wallMs(): number {
    return this.#clock.wall() - this.#clock.monotonic();
  }
}
