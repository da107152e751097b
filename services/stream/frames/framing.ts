import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";

/** An event's place in its log, as an id, and its name where the client wants one. */
export interface EventFields {
  readonly id: string;
  readonly name: string | undefined;
}

/** A frame's data: what stands before and behind the payload has no line ends. */
export interface FrameData {
  readonly before: string;
  readonly body: Buffer;
  readonly behind: string;
}

/** The fields of a frame of our own beside its data. */
export interface ControlFields {
  readonly id?: string | undefined;
  /** How long the client is to wait whenever the stream breaks off, in milliseconds. `busy` and `bye` have it in their data. */
  readonly retryMs?: number | undefined;
}

/** How frames are told apart in the bytes that a connection writes: any number of them stand one behind the other. */
export interface Framing {
  /** The frame of an event, in memory of its own: it lives as long as its event. */
  encodeEvent(fields: EventFields, data: FrameData): Buffer;
  /** A frame of our own: an event with JSON data. */
  encodeControl<Event extends ControlEvent>(event: Event, data: ControlData[Event], fields?: ControlFields): Buffer;
  /** What keeps a connection alive that has nothing to say. */
  readonly heartbeat: Buffer;
}
