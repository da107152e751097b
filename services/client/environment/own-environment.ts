import type { Channel, Environment, KeyValues, Locks } from "./environment.ts";
import { watchPage } from "./watch-page.ts";

/** Network Information is in no browser's types: two engines do not have it. */
interface Globals {
  readonly origin?: string;
  readonly WebSocket?: typeof WebSocket;
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly navigator?: {
    readonly locks?: Locks;
    readonly connection?: { readonly type?: string; readonly effectiveType?: string };
  };
}

/** A timer holds no more: what is longer would end at once, again and again. */
const LONGEST_MS = 2 ** 31 - 1;

/** The program that runs this. */
export function ownEnvironment(): Environment {
  const { WebSocket: Socket, BroadcastChannel: OwnChannel, navigator, origin } = globalThis as unknown as Globals;
  const local = storage("localStorage");
  return {
    fetch: (url, init) => fetch(url, init),
    openSocket: Socket && ((url, protocols) => new Socket(url, protocols)),
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(ms, LONGEST_MS));
      return () => clearTimeout(timer);
    },
    watch: watchPage,
    local,
    session: storage("sessionStorage"),
    // Who may keep nothing, as in a sandbox or where site data is blocked, has locks, and is refused each of them.
    locks: origin === "null" || local === null ? undefined : navigator?.locks,
    openChannel: OwnChannel && ((name) => new OwnChannel(name)),
    hasTabs: "document" in globalThis || "importScripts" in globalThis,
    network: () => ({ type: navigator?.connection?.type ?? "", speed: navigator?.connection?.effectiveType ?? "" }),
  };
}

/** Null where a page may keep nothing: the very look at it throws. Node warns of one that has no file, and has no reload. */
function storage(name: "localStorage" | "sessionStorage"): KeyValues | null | undefined {
  if (!("document" in globalThis)) return undefined;
  try {
    return globalThis[name];
  } catch {
    return null;
  }
}
