import type { RetryBudget } from "#shared/async/retry-budget.ts";
import type { Audience } from "../audiences/audience.ts";
import type { Position } from "../event.ts";
import type { Limit } from "../log/history-turns.ts";
import type { Slices } from "../log/slices.ts";
import type { Observer } from "../observe/observer.ts";
import type { StreamEnd } from "./end-stream.ts";
import type { Hole, SliceReading } from "./read-slice.ts";

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

/** Where a reader is in its log. */
export type ReaderState = Live | Behind | Ended;

/** What a reader behind the horizon waits for, and since when (monotonic milliseconds). */
export interface Wait {
  readonly for: "socket" | "log" | "authorization" | "history" | "topics";
  readonly since: number;
}

/** A member of an audience, at the horizon. */
interface Live {
  readonly is: "live";
  readonly audience: Audience;
}

/** On its way to the horizon, in slices; held while it waits. Each one is caught up by a loop of its own. */
export interface Behind {
  readonly is: "behind";
  readonly since: number;
  readonly slices: Slices;
  cursor: Position;
  /** A hole that ends at the cursor or before it, with no frame for this reader since. Not sent yet. */
  hole: Hole | undefined;
  wait: Wait | undefined;
}

/** Over; nothing is written any more. */
interface Ended {
  readonly is: "ended";
  readonly cursor: Position;
  readonly by: StreamEnd;
}

/** The state of a reader that begins behind the horizon, after `cursor`, at the monotonic time `since`. */
export function behindAt(cursor: Position, slices: Slices, since: number): Behind {
  return { is: "behind", since, slices, cursor, hole: undefined, wait: undefined };
}

/** Moves a reader past what it has read of a slice. */
export function advance(state: Behind, { frames, cursor, hole }: SliceReading): void {
  state.hole = hole;
  if (cursor === state.cursor) return;
  state.wait = undefined;
  state.cursor = cursor;
  state.slices.note(frames.length > 0);
}
