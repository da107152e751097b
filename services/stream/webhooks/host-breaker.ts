import { Notifier } from "#shared/async/notifier.ts";
import { backoffMs } from "#shared/time/backoff.ts";

/** So many messages in a row that a host did not take: it is away. */
const FAILURES = 5;

/** How long it is left alone before one message tries it again; the longer the oftener that failed. */
const REST = { baseMs: 1_000, maxMs: 60_000 };

/** What a message found out about its host: it takes messages, it does not, or nothing. */
export type HostNews = "takes" | "away" | "nothing";

type BreakerState =
  | { readonly is: "closed"; readonly failures: number }
  /** `isProbing`: one message is under way to find out. */
  | { readonly is: "open"; readonly failures: number; readonly restsUntil: number; readonly isProbing: boolean };

/** Keeps messages of one tenant from a host that takes none: after five in a row one at a time tries it, after a rest. */
export class HostBreaker {
  readonly #now: () => number;
  readonly #onSwitch: (isOpen: boolean) => void;
  readonly #changed = new Notifier();
  #state: BreakerState = { is: "closed", failures: 0 };

  /** `now` gives the monotonic time in milliseconds. */
  constructor(now: () => number, onSwitch: (isOpen: boolean) => void) {
    this.#now = now;
    this.#onSwitch = onSwitch;
  }

  /** How many messages in a row the host did not take, or how often it was tried in vain since; and whether it is left alone. */
  get trouble(): { readonly failures: number; readonly resting: boolean } {
    const { is, failures } = this.#state;
    return is === "open" ? { failures: failures + FAILURES, resting: true } : { failures, resting: false };
  }

  /** Resolves when a message may try to be admitted. */
  async mayTry(): Promise<void> {
    while (this.#state.is === "open") {
      const restMs = this.#state.restsUntil - this.#now();
      if (!this.#state.isProbing && restMs <= 0) return;
      await (this.#state.isProbing ? this.#changed.next() : this.#rest(restMs));
    }
  }

  /** Whether a message may go now. One that may must be followed by `note`. */
  admit(): boolean {
    const state = this.#state;
    if (state.is === "closed") return true;
    if (state.isProbing || this.#now() < state.restsUntil) return false;
    this.#state = { ...state, isProbing: true };
    return true;
  }

  /** Notes what an admitted message has found out. */
  note(news: HostNews): void {
    const { is, failures } = this.#state;
    if (news === "takes") this.#state = { is: "closed", failures: 0 };
    else if (news === "nothing") this.#state = is === "open" ? { ...this.#state, isProbing: false } : this.#state;
    else if (is === "closed" && failures + 1 < FAILURES) this.#state = { is, failures: failures + 1 };
    else this.#open(is === "closed" ? 0 : failures + 1);
    if ((this.#state.is === "open") !== (is === "open")) this.#onSwitch(this.#state.is === "open");
    this.#changed.notify();
  }

  #open(failures: number): void {
    this.#state = { is: "open", failures, restsUntil: this.#now() + backoffMs(failures, REST), isProbing: false };
  }

  async #rest(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms).unref();
    await Promise.race([over.promise, this.#changed.next()]);
    clearTimeout(timer);
  }
}
