import { Notifier } from "#shared/async/notifier.ts";
import { within } from "#shared/async/within.ts";
import type { Limit } from "../log/history-turns.ts";
import { advance, CALM, isAtLeast, type Load, OVERLOAD_STEPS, type OverloadStep, stepFor } from "./overload-steps.ts";

const LOOK_MS = 250;

/** The least flush interval of an overloaded edge: a burst then costs each reader at most ten writes a second. */
const STRETCHED_FLUSH_MS = 100;

/** A read of history waits no longer than this: with a few at a time every reader still gets on. */
const MAX_PAUSE_MS = 10_000;

/** Observes the guard. The load is the one that was looked at. */
export interface OverloadObserver {
  /** The edge takes this step from now on. */
  overloadEntered(step: OverloadStep, load: Load): void;
  /** The edge has been calm enough to take it back. */
  overloadLeft(step: OverloadStep, load: Load): void;
}

/** What the guard looks at, and to whom it reports. */
export interface OverloadGuardDeps {
  readonly readLoad: () => Load;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly observer: OverloadObserver;
  /** How long a read of history is put off at most, in milliseconds. */
  readonly maxPauseMs?: number;
}

/**
 * Bends an overloaded edge before it breaks: it writes bursts less often, then puts off reads of history, then refuses new
 * streams, and at last ends streams that have nothing to do. Open streams with events notice only that these come later.
 */
export class OverloadGuard {
  readonly #deps: OverloadGuardDeps;
  readonly #stepped = new Notifier();
  #state = CALM;

  constructor(deps: OverloadGuardDeps) {
    this.#deps = deps;
  }

  get step(): OverloadStep {
    return this.#state.step;
  }

  /** Looks at the load; `startOverloadGuard` does four times a second. */
  look(): void {
    const load = this.#deps.readLoad();
    const before = this.#state.step;
    this.#state = advance(this.#state, stepFor(load), this.#deps.now());
    const { step } = this.#state;
    if (step === before) return;
    const isRising = isAtLeast(step, before);
    for (const each of OVERLOAD_STEPS) {
      const isPassed = isAtLeast(step, each) !== isAtLeast(before, each);
      if (isPassed && isRising) this.#deps.observer.overloadEntered(each, load);
      if (isPassed && !isRising) this.#deps.observer.overloadLeft(each, load);
    }
    this.#stepped.notify();
  }

  /** The least flush interval that the load asks for, in milliseconds; 0 while there is none. */
  get leastFlushMs(): number {
    return this.#is("stretch") ? STRETCHED_FLUSH_MS : 0;
  }

  /** Whether new streams are refused. */
  get isRefusing(): boolean {
    return this.#is("refuse");
  }

  /** Whether streams that have nothing to do are ended. */
  get isShedding(): boolean {
    return this.#is("shed");
  }

  /** The same limit, which puts off what comes in the meantime while history is not read. */
  pausing(limit: Limit): Limit {
    return (owner, read) =>
      limit(owner, async (charge) => {
        if (this.#is("pause")) await within(this.#deps.maxPauseMs ?? MAX_PAUSE_MS, this.#untilReading());
        return read(charge);
      });
  }

  async #untilReading(): Promise<void> {
    while (this.#is("pause")) await this.#stepped.next();
  }

  #is(step: OverloadStep): boolean {
    return isAtLeast(this.#state.step, step);
  }
}

/** Has the guard look at the load from now on, until disposed. */
export function startOverloadGuard(guard: Pick<OverloadGuard, "look">): Disposable {
  const timer = setInterval(() => guard.look(), LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
