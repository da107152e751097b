import { connect } from "../connect.ts";
import { runReaction } from "../follow-stream.ts";
import type { ConnectOptions, Schemas } from "../options.ts";
import type { EventOf, SluiceStream } from "../sluice-stream.ts";
import type { StreamState } from "../stream-state.ts";
import { followOptions } from "./stream-request.ts";

/** Who shows a stream. */
interface Viewer<Given extends Schemas> {
  /** The options as they are now. */
  readonly options: () => ConnectOptions<Given>;
  readonly onEvent: (event: EventOf<Given>) => void;
  readonly onState: (state: StreamState) => void;
}

/** Opens a stream for a component: it hears each state and each event, until the stream is closed. */
export function openFor<Given extends Schemas>({ options, onEvent, onState }: Viewer<Given>): SluiceStream<Given> {
  const stream = connect<Given>(followOptions(options));
  stream.onState(onState);
  // A loop that ends by an error: the state says why.
  void (async () => {
    for await (const event of stream) {
      // What waited is of the stream before: a component that asks for another one would show it there.
      if (isClosed(stream.state)) return;
      runReaction(onEvent, event);
    }
  })().catch(() => {});
  return stream;
}

function isClosed(state: StreamState): boolean {
  return state.name === "ended" && state.reason === "closed";
}
