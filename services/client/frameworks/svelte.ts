import type { ConnectOptions, Schemas } from "../options.ts";
import type { EventOf, SluiceStream } from "../sluice-stream.ts";
import type { StreamState } from "../stream-state.ts";
import { openFor } from "./open-for.ts";
import { UNOPENED } from "./stream-request.ts";

/** A store of a stream's state, as Svelte's `$` reads it. */
export interface StreamStore<Given extends Schemas> {
  subscribe(run: (state: StreamState) => void): () => void;
  /** For calls; undefined while nobody is subscribed. */
  readonly stream: SluiceStream<Given> | undefined;
}

/**
 * Makes a store that follows a stream from its first subscriber to its last one, and calls `onEvent` with each event. On a server
 * it follows nothing.
 */
export function streamStore<const Given extends Schemas = Schemas>(
  options: ConnectOptions<Given>,
  onEvent: (event: EventOf<Given>) => void,
): StreamStore<Given> {
  const subscribers = new Set<(state: StreamState) => void>();
  let stream: SluiceStream<Given> | undefined;
  const open = (): SluiceStream<Given> =>
    openFor<Given>({
      options: () => options,
      onEvent,
      onState: (state) => {
        for (const run of subscribers) run(state);
      },
    });
  return {
    get stream() {
      return stream;
    },
    subscribe(run) {
      // Two subscribers may be one function.
      const subscriber = (state: StreamState): void => run(state);
      subscribers.add(subscriber);
      if ("document" in globalThis) stream ??= open();
      run(stream?.state ?? UNOPENED);
      return () => {
        subscribers.delete(subscriber);
        if (subscribers.size > 0) return;
        stream?.close();
        stream = undefined;
      };
    },
  };
}
