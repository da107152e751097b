import type { Environment } from "../environment/environment.ts";
import type { RegionChoice } from "./region-choice.ts";

/** The requests that a stream comes by. */
const STREAMS = /^\/v1\/(?:stream|poll)\?/;

/** A program whose requests go to the region that is chosen now. */
export interface RegionEnvironment extends Environment {
  /** Where the stream of this program is, or was asked for; undefined for a tab that shares another's. */
  readonly region: string | undefined;
  /** Breaks the stream off: it comes back in the region that is chosen then. */
  leave(): void;
}

/** Leads requests for the first region to the chosen one. Others, such as those that fetch tokens, go where they went. */
export function createRegionEnvironment(own: Environment, choice: RegionChoice): RegionEnvironment {
  let open: { readonly region: string; readonly leave: () => void } | undefined;
  const onAbort = new WeakMap<AbortSignal, () => void>();
  const opened = (region: string, leave: () => void): (() => void) => {
    const mine = { region, leave };
    open = mine;
    return () => void (open === mine && (open = undefined));
  };
  return {
    ...own,
    get region() {
      return open?.region;
    },
    leave: () => open?.leave(),
    fetch(url, init) {
      const path = pathOf(url, choice.first);
      if (path === undefined || !STREAMS.test(path))
        return own.fetch(path === undefined ? url : choice.url + path, init);
      const region = choice.attempt();
      // AbortSignal.any is younger than the oldest browsers that this runs in.
      const stop = new AbortController();
      const isOver = opened(region, () => stop.abort());
      const end = (): void => {
        isOver();
        stop.abort();
      };
      if (init.signal) onlyOnAbort(init.signal, end, onAbort);
      return own.fetch(region + path, { ...init, signal: stop.signal });
    },
    openSocket:
      own.openSocket &&
      ((url, protocols) => {
        const region = choice.attempt();
        const path = pathOf(url, asSocket(choice.first)) ?? "";
        const socket = (own.openSocket as NonNullable<Environment["openSocket"]>)(asSocket(region) + path, protocols);
        socket.addEventListener(
          "close",
          opened(region, () => socket.close()),
        );
        return socket;
      }),
  };
}

/** Has this called when the signal aborts, in place of what was before: polls, one after the other, have one signal for all. */
function onlyOnAbort(signal: AbortSignal, end: () => void, onAbort: WeakMap<AbortSignal, () => void>): void {
  const before = onAbort.get(signal);
  if (before !== undefined) signal.removeEventListener("abort", before);
  onAbort.set(signal, end);
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
}

/** What is asked of an edge; undefined where something else is asked. */
function pathOf(url: string, edge: string): string | undefined {
  return url.startsWith(`${edge}/v1/`) ? url.slice(edge.length) : undefined;
}

function asSocket(url: string): string {
  return url.replace(/^http/, "ws");
}
