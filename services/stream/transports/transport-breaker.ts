import { isInShare } from "./is-in-share.ts";

/** What is judged together, and how long a transport rests before some try it again. */
const WINDOW_MS = 60_000;

/** Fewer people than these prove nothing; more of one window are not told apart, which bounds the memory. */
const PEOPLE = { least: 10, most: 200 };

/** A transport that fails for a larger share of people is taken away. */
const MAX_FAILED = 0.2;

/** The percentage of clients that try it again. */
const TRYING_PERCENT = 5;

type BreakerState =
  | { readonly is: "closed" }
  | { readonly is: "open"; readonly since: number }
  /** Few try. `number` makes others try each time. */
  | { readonly is: "trying"; readonly number: number };

/** A judgement: how many people have tried, and for how many of them it has failed. */
export interface BreakerCount {
  readonly people: number;
  readonly failed: number;
}

/**
 * Judges one transport of one tenant by the people for whom it works. Each counts once in a minute, however often they try or what
 * their programs claim. Past a fifth of at least ten it opens; after a minute one client in twenty tries, and a minute later it closes
 * where it works for these.
 */
export class TransportBreaker {
  readonly #now: () => number;
  readonly #onSwitch: (isOpen: boolean, count: BreakerCount) => void;
  #state: BreakerState = { is: "closed" };
  #trials = 0;
  /** Whether it has failed, for each person of the window. */
  readonly #people = new Map<string, boolean>();
  #failed = 0;
  #windowEnd = 0;

  /** `now` gives the monotonic time in milliseconds. */
  constructor(now: () => number, onSwitch: (isOpen: boolean, count: BreakerCount) => void) {
    this.#now = now;
    this.#onSwitch = onSwitch;
  }

  /** Whether clients are sent elsewhere, but for those that try. */
  get isOpen(): boolean {
    this.#look();
    return this.#state.is !== "closed";
  }

  /** Whether this client may be sent here. */
  admits(client: string): boolean {
    this.#look();
    const state = this.#state;
    if (state.is === "trying") return isInShare(`${state.number} ${client}`, TRYING_PERCENT);
    return state.is === "closed";
  }

  /** Notes that a person tries it, or that it has failed for them. */
  note(person: string, hasFailed: boolean): void {
    this.#look();
    // Whoever comes all the same, or has a stream from before, is no trial.
    if (this.#state.is === "open") return;
    if (this.#people.size === 0) this.#windowEnd = this.#now() + WINDOW_MS;
    const before = this.#people.get(person);
    if (before === undefined && this.#people.size >= PEOPLE.most) return;
    this.#people.set(person, before === true || hasFailed);
    if (!hasFailed || before === true) return;
    this.#failed += 1;
    if (this.#people.size >= PEOPLE.least && this.#isFailing()) this.#open();
  }

  /** Does what the time that has passed asks for. */
  #look(): void {
    const now = this.#now();
    const state = this.#state;
    if (state.is === "open") {
      if (now - state.since >= WINDOW_MS) this.#try();
    } else if (this.#people.size > 0 && now >= this.#windowEnd) {
      if (state.is === "trying") this.#endTrial();
      else this.#forget();
    }
  }

  #try(): void {
    this.#forget();
    this.#trials += 1;
    this.#state = { is: "trying", number: this.#trials };
  }

  #endTrial(): void {
    if (this.#isFailing()) return this.#open();
    const count = this.#count();
    this.#state = { is: "closed" };
    this.#forget();
    this.#onSwitch(false, count);
  }

  #open(): void {
    const wasOpen = this.#state.is !== "closed";
    const count = this.#count();
    this.#state = { is: "open", since: this.#now() };
    this.#forget();
    if (!wasOpen) this.#onSwitch(true, count);
  }

  #isFailing(): boolean {
    return this.#failed > this.#people.size * MAX_FAILED;
  }

  #count(): BreakerCount {
    return { people: this.#people.size, failed: this.#failed };
  }

  #forget(): void {
    this.#people.clear();
    this.#failed = 0;
  }
}
