import type { RetryBudget } from "#shared/async/retry-budget.ts";
import type { Audience } from "../audiences/audience.ts";
import type { Position } from "../event.ts";
import type { Limit } from "../log/history-turns.ts";
import type { Bounds } from "../log/resume.ts";
import { type SliceFor, Slices } from "../log/slices.ts";
import type { TenantLog } from "../log/tenant-log.ts";
import type { Registration } from "../access/registration.ts";
import type { Observer } from "../observe/observer.ts";
import type { TenantTurns } from "../turns/share.ts";
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
  readonly for: "socket" | "log" | "authorization" | "history" | "topics" | "window";
  readonly since: number;
}

/** A member of an audience, at the horizon. */
interface Live {
  readonly is: "live";
  readonly audience: Audience;
}

/** The log where a reader's events stand that come again. */
export interface Past {
  readonly slices: Slices;
  /** The log has lost its beginning, as far as was found out. */
  gone: Pick<Bounds, "first" | "goneBy"> | undefined;
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
  /** The log where events of a durable subscription stand that come again; undefined while none did. */
  past: Past | undefined;
}

/** Over; nothing is written any more. */
interface Ended {
  readonly is: "ended";
  readonly cursor: Position;
  readonly by: StreamEnd;
}

/** The state of a reader that begins behind the horizon, after `cursor`. */
export function behindAt(cursor: Position, log: TenantLog, { limitHistory, now }: ReaderDeps): Behind {
  const [slices, past] = [new Slices(log, limitHistory), undefined];
  return { is: "behind", since: now(), slices, cursor, hole: undefined, wait: undefined, past };
}

/** Whom a slice is fetched for. */
export function sliceFor({ topics, subject }: Registration, isWanted: () => boolean): SliceFor {
  return { subject: subject.id, topics, isWanted };
}

/** Moves a reader past what it has read of a slice. */
export function advance(state: Behind, { frames, cursor, hole }: SliceReading): void {
  state.hole = hole;
  if (cursor === state.cursor) return;
  state.wait = undefined;
  state.cursor = cursor;
  state.slices.note(frames.length > 0);
}

/** Takes one step after another, each behind what the one before waits for, until one waits for nothing. */
export async function takeSteps(
  turns: Pick<TenantTurns, "next">,
  step: () => Promise<void> | undefined,
): Promise<void> {
  for (let wait = step(); wait !== undefined; wait = step()) {
    await wait;
    // One answer may wake thousands: each goes on in a turn of its own.
    await turns.next();
  }
}

/** Notes what a reader waits for, from the monotonic time `now` on, and answers the promise. */
export function waitFor(state: Behind, now: number, what: Wait["for"], promise: Promise<void>): Promise<void> {
  if (state.wait?.for !== what) state.wait = { for: what, since: now };
  return promise;
}
