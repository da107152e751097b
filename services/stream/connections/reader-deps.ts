import type { RetryBudget } from "#shared/async/retry-budget.ts";
import type { Limit } from "../log/slices.ts";
import type { Observer } from "../observe/observer.ts";

/** The edge, as far as a reader uses it. */
export interface ReaderDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Invalidates every session when the clocks have parted. */
  readonly checkClock: () => void;
  /** The repeated calls that the whole process may make. */
  readonly retries: RetryBudget;
  readonly limitHistory: Limit;
  readonly observer: Observer;
}
