import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ControlData, ControlEvent } from "../shared/protocol/control-frames.ts";
import type { StreamCalls } from "./calls/stream-calls.ts";
import type { Schemas } from "./options.ts";
import type { StreamEvent } from "./stream-event.ts";
import type { StreamState } from "./stream-state.ts";

/** An event of one of these types, with the data that its schema says; without schemas, any event. */
export type EventOf<Given extends Schemas> = string extends keyof Given
  ? StreamEvent
  : { [Type in keyof Given & string]: EventWith<Given, Type> }[keyof Given & string];

/** An event of this type. */
export type EventWith<Given extends Schemas, Type extends keyof Given & string> = StreamEvent<
  Type,
  StandardSchemaV1.InferOutput<Given[Type]>
>;

/**
 * A stream that is followed. A loop over it gets the events that come from then on; those that came before there was a loop or a
 * listener wait for the first. It ends with an error where the stream ends for another reason than `close`.
 */
export interface SluiceStream<Given extends Schemas = Schemas> extends AsyncIterable<EventOf<Given>>, StreamCalls {
  /** How the stream is. */
  readonly state: StreamState;
  /** Hears the events of a type, or the edge's own frames of a name, until the answer is called. */
  on<Name extends ControlEvent>(name: Name, listener: (data: ControlData[Name]) => void): () => void;
  on<Type extends keyof Given & string>(type: Type, listener: (event: EventWith<Given, Type>) => void): () => void;
  /** Hears each change of the state until the answer is called. */
  onState(listener: (state: StreamState) => void): () => void;
  /** Ends the stream. */
  close(): void;
}
