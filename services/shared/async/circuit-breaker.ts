import { AppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";

/** So many calls in a row without an answer: the other side is away. */
const FAILURES = 5;

/** How long it is left alone before it is tried again; the longer the oftener that failed. */
const REST = { baseMs: 250, maxMs: 1_000 };

/** What callers are told of a service that is away. */
export const NOT_ANSWERING = "a service that this needs does not answer right now; try again";

/** What became of a call. */
export type CallOutcome = "answered" | "unanswered" | "given up";

interface BreakerState {
  readonly is: "closed" | "open" | "probing";
  /** Calls without an answer in a row while closed; failed probes in a row while open. */
  readonly failures: number;
  /** The monotonic time of the next probe. */
  readonly restsUntil: number;
}

const CLOSED: BreakerState = { is: "closed", failures: 0, restsUntil: 0 };

/**
 * Keeps calls from a service that does not answer. After five calls in a row without an answer all others fail at once, but
 * for one probe after each rest; an answer, also a late one, lets all through again. Every call that it lets through must
 * have a deadline.
 */
export class CircuitBreaker {
  readonly #now: () => number;
  readonly #onSwitch: (isOpen: boolean) => void;
  #state = CLOSED;

  /** `now` gives the monotonic time in milliseconds; `onSwitch` is called when calls begin to be kept away, and when no more. */
  constructor(now: () => number, onSwitch: (isOpen: boolean) => void = () => {}) {
    this.#now = now;
    this.#onSwitch = onSwitch;
  }

  /** Whether calls are kept away. */
  get isOpen(): boolean {
    return this.#state.is !== "closed";
  }

  /**
   * Makes a call, if one may be made. `outcomeOf` tells from its failure whether the other side has answered at all.
   * @throws {AppError} `unavailable` where the call is not made; else what the call throws.
   */
  async run<Answer>(call: () => Promise<Answer>, outcomeOf: (error: unknown) => CallOutcome): Promise<Answer> {
    const isProbe = this.#admit();
    try {
      const answer = await call();
      this.#close();
      return answer;
    } catch (error) {
      this.#note(outcomeOf(error), isProbe);
      throw error;
    }
  }

  /** Answers whether the call is a probe. */
  #admit(): boolean {
    const { is, failures, restsUntil } = this.#state;
    if (is === "closed") return false;
    if (is === "probing" || this.#now() < restsUntil) {
      throw new AppError("unavailable", NOT_ANSWERING);
    }
    this.#state = { is: "probing", failures, restsUntil };
    return true;
  }

  #note(outcome: CallOutcome, isProbe: boolean): void {
    if (outcome === "answered") this.#close();
    else if (isProbe) this.#noteProbe(outcome);
    else if (outcome === "unanswered" && this.#state.is === "closed") this.#noteFailure();
  }

  #noteProbe(outcome: CallOutcome): void {
    const { is, failures } = this.#state;
    // An answer to an earlier call came meanwhile.
    if (is !== "probing") return;
    // A probe that was given up has found out nothing: the next call is one.
    if (outcome === "given up") this.#state = { is: "open", failures, restsUntil: this.#now() };
    else this.#open(failures + 1);
  }

  #noteFailure(): void {
    const failures = this.#state.failures + 1;
    if (failures < FAILURES) this.#state = { ...CLOSED, failures };
    else {
      this.#open(0);
      this.#onSwitch(true);
    }
  }

  #close(): void {
    const wasOpen = this.isOpen;
    this.#state = CLOSED;
    if (wasOpen) this.#onSwitch(false);
  }

  #open(failures: number): void {
    this.#state = { is: "open", failures, restsUntil: this.#now() + backoffMs(failures, REST) };
  }
}
