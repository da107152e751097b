import { useEffect, useRef, useState } from "react";
import type { ConnectOptions, Schemas } from "../options.ts";
import type { EventOf, SluiceStream } from "../sluice-stream.ts";
import type { StreamState } from "../stream-state.ts";
import { openFor } from "./open-for.ts";
import { requestOf, UNOPENED } from "./stream-request.ts";

/** A stream as a component has it. */
export interface UsedStream<Given extends Schemas> {
  readonly state: StreamState;
  /** For calls; undefined on a server, and before the component is mounted. */
  readonly stream: SluiceStream<Given> | undefined;
}

/**
 * Follows a stream while the component is mounted, and calls `onEvent` with each event. It opens another one when the options ask
 * for another stream; functions in them may change with each render.
 */
export function useStream<const Given extends Schemas = Schemas>(
  options: ConnectOptions<Given>,
  onEvent: (event: EventOf<Given>) => void,
): UsedStream<Given> {
  const [used, setUsed] = useState<UsedStream<Given>>({ state: UNOPENED, stream: undefined });
  const latest = useRef({ options, onEvent });
  useEffect(() => {
    latest.current = { options, onEvent };
  });
  const request = requestOf(options);
  useEffect(() => {
    const stream = openFor<Given>({
      options: () => latest.current.options,
      onEvent: (event) => latest.current.onEvent(event),
      onState: (state) => setUsed((before) => (before.stream === stream ? { state, stream } : before)),
    });
    setUsed({ state: stream.state, stream });
    return () => stream.close();
  }, [request]);
  return used;
}
