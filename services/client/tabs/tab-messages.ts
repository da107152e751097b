import type { Frame } from "../../shared/protocol/frame.ts";
import type { StreamState } from "../stream-state.ts";
import type { Place } from "./place.ts";
import type { Link } from "./tail.ts";

/** What tabs that share a stream tell each other. */
export type TabMessage =
  /** The sender has the stream, or has it anew: those who want it say `join`. */
  | { readonly kind: "lead" }
  /** The sender wants the stream behind this place; `isCertain`: that is one of the log as it is now. */
  | { readonly kind: "join"; readonly place: Place; readonly isCertain: boolean }
  | ({ readonly kind: "welcome"; readonly to: string } & Welcome)
  /** A frame that came over the stream, whose place before it was `after`. */
  | { readonly kind: "frame"; readonly after: Place; readonly frame: Frame }
  | { readonly kind: "state"; readonly state: StreamState }
  /** The leader is asked whether it is still there, and says so. */
  | { readonly kind: "ask" }
  | { readonly kind: "alive" };

/** How the leader's stream is, for a tab that joins. */
export interface Welcome {
  readonly at: Place;
  readonly state: StreamState;
  /** The stream's last `ready`; undefined before the first one. */
  readonly ready: Frame | undefined;
  /** All behind the place that the tab named; undefined where the leader does not have it. */
  readonly missed: readonly Link[] | undefined;
}

/** A message with the tab that sent it. */
export interface SentMessage {
  readonly from: string;
  readonly message: TabMessage;
}
