import type { Audience } from "../audiences/audience.ts";
import type { Position } from "../event.ts";
import type { Slices } from "../log/slices.ts";
import type { StreamEnd } from "./end-stream.ts";
import type { Hole } from "./read-slice.ts";

/** Where a reader is in its log. */
export type ReaderState = Live | Behind | Ended;

/** What a reader behind the horizon waits for, and since when (monotonic milliseconds). */
export interface Wait {
  readonly for: "socket" | "log" | "authorization" | "history";
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
