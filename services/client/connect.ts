import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ControlData, ControlEvent } from "../shared/protocol/control-frames.ts";
import type { ConnectOptions, Schemas } from "./options.ts";
import type { StreamEvent } from "./stream-event.ts";
import type { StreamState } from "./stream-state.ts";

/** An event of one of these types, with the data that its schema says; of any other type, with unknown data. */
export type EventOf<Given extends Schemas> =
  | { [Type in keyof Given & string]: StreamEvent<Type, StandardSchemaV1.InferOutput<Given[Type]>> }[keyof Given &
      string]
  | StreamEvent;

/** A stream that is followed. Each loop over it gets all events from its own beginning on. */
export interface SluiceStream<Given extends Schemas = Schemas> extends AsyncIterable<EventOf<Given>> {
  /** How the stream is. */
  readonly state: StreamState;
  /** Hears the events of a type, or the edge's own frames of a name; answers what stops it. */
  on<Type extends keyof Given & string>(
    type: Type,
    listener: (event: StreamEvent<Type, StandardSchemaV1.InferOutput<Given[Type]>>) => void,
  ): () => void;
  on<Name extends ControlEvent>(name: Name, listener: (data: ControlData[Name]) => void): () => void;
  on(type: string, listener: (event: StreamEvent) => void): () => void;
  /** Hears each change of the state; answers what stops it. */
  onState(listener: (state: StreamState) => void): () => void;
  /** Ends the stream. */
  close(): void;
}

/** Follows an event stream until it is closed, or ends for a reason that its state names. */
export declare function connect<const Given extends Schemas>(options: ConnectOptions<Given>): SluiceStream<Given>;
