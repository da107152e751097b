import { type MaybeRefOrGetter, onMounted, onScopeDispose, type ShallowRef, shallowRef, toValue, watch } from "vue";
import type { ConnectOptions, Schemas } from "../options.ts";
import type { EventOf, SluiceStream } from "../sluice-stream.ts";
import type { StreamState } from "../stream-state.ts";
import { openFor } from "./open-for.ts";
import { requestOf, UNOPENED } from "./stream-request.ts";

/** A stream as a component has it. */
export interface UsedStream<Given extends Schemas> {
  readonly state: Readonly<ShallowRef<StreamState>>;
  /** For calls; undefined on a server, and before the component is mounted. */
  readonly stream: Readonly<ShallowRef<SluiceStream<Given> | undefined>>;
}

/**
 * Follows a stream while the component is mounted, and calls `onEvent` with each event. It opens another one when the options,
 * which may be a ref or a getter, ask for another stream.
 */
export function useStream<const Given extends Schemas = Schemas>(
  options: MaybeRefOrGetter<ConnectOptions<Given>>,
  onEvent: (event: EventOf<Given>) => void,
): UsedStream<Given> {
  const state = shallowRef<StreamState>(UNOPENED);
  const stream = shallowRef<SluiceStream<Given>>();
  const open = (): void => {
    stream.value?.close();
    const opened = openFor<Given>({
      options: () => toValue(options),
      onEvent,
      onState: (now) => {
        if (stream.value === opened) state.value = now;
      },
    });
    stream.value = opened;
    state.value = opened.state;
  };
  onMounted(() => {
    open();
    watch(() => requestOf(toValue(options)), open);
  });
  onScopeDispose(() => stream.value?.close());
  return { state, stream };
}
