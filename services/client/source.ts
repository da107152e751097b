import type { Frame } from "../shared/protocol/frame.ts";
import type { StreamState } from "./stream-state.ts";

/**
 * Where a stream's frames come from: the edge, or another tab that has the stream. It looks after its connection by itself
 * until it is closed or its state is `ended`.
 */
export interface Source {
  /** How it is now. */
  readonly state: StreamState;
  /** The connection that calls about the stream name; undefined while there is none. */
  readonly connectionId: string | undefined;
  /** Ends it for good. Nothing is told any more. */
  close(): void;
}

/** Who is told what comes from a source: one after the other, never inside the call that opens it. */
export interface SourceListener {
  /** Each frame once, in order: events, and frames of the edge's own as `ControlData` has them. */
  onFrame(frame: Frame): void;
  onState(state: StreamState): void;
}

/** Opens a source behind this id; without one, where the options say. It throws nothing: what fails is told as a state. */
export type OpenSource = (listener: SourceListener, lastEventId: string | undefined) => Source;
