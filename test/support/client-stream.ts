import { connect } from "../../services/client/connect.ts";
import type { ConnectOptions } from "../../services/client/options.ts";
import type { SluiceStream } from "../../services/client/sluice-stream.ts";
import type { StreamEvent } from "../../services/client/stream-event.ts";
import type { StreamState } from "../../services/client/stream-state.ts";
import { waitFor } from "./wait.ts";

/** A stream that our own client follows, and what it has brought. */
export interface ClientStream extends Disposable {
  readonly stream: SluiceStream;
  readonly events: readonly StreamEvent[];
  readonly states: readonly StreamState[];
  /** Waits until so many events are there, and answers their data. */
  receive(count: number): Promise<unknown[]>;
  /** Waits for a state, from here on or as it is, by its name or by its name and reason. */
  until(name: StreamState["name"], reason?: string): Promise<StreamState>;
}

/** Follows a stream; what is not said is ignored. */
export function followByClient(options: Partial<ConnectOptions> & Pick<ConnectOptions, "url">): ClientStream {
  const ignore = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const stream = connect({ ...ignore, ...options });
  const [events, states]: [StreamEvent[], StreamState[]] = [[], [stream.state]];
  stream.onState((state) => states.push(state));
  void (async () => {
    for await (const event of stream) events.push(event);
  })().catch(() => {});
  return {
    stream,
    events,
    states,
    async receive(count) {
      await waitFor(`${count} events, of which ${events.length} are there`, () => events.length >= count);
      return events.map(({ data }) => data);
    },
    async until(name, reason) {
      const holds = ({ state }: SluiceStream): boolean =>
        state.name === name && (reason === undefined || ("reason" in state && state.reason === reason));
      await waitFor(`the state ${name} ${reason ?? ""}`, () => holds(stream)).catch((error: Error) => {
        throw new Error(`${error.message}: ${JSON.stringify(states)}`);
      });
      return stream.state;
    },
    [Symbol.dispose]: () => stream.close(),
  };
}
