/** What happens to the page, or to its network. */
export type LifeSign =
  /** It is frozen, goes into the back-forward cache, or is left. */
  | "suspend"
  /** It is back from there. */
  | "wake"
  /** A person sees it again. Its timers may have slept. */
  | "look"
  | "offline"
  | "online";

/** Browsers' storage, as far as it is used. */
export interface KeyValues {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** A broadcast to all tabs of an origin. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** Web Locks, as far as they are used: one holder in all tabs of an origin. */
export interface Locks {
  request<Result>(name: string, callback: () => Promise<Result>): Promise<Result>;
  request<Result>(
    name: string,
    options: { readonly ifAvailable: true },
    callback: (lock: object | null) => Promise<Result> | Result,
  ): Promise<Result>;
  request(
    name: string,
    options: { readonly signal: AbortSignal } | { readonly steal: true },
    callback: () => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** Which cookies go along with a request. */
export type CookieMode = "include" | "omit" | "same-origin";

/** What a stream needs of the program that it runs in: a page, a worker or Node. What is not there is undefined. */
export interface Environment {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly openSocket: ((url: string, protocols: string[]) => WebSocket) | undefined;
  /** Milliseconds since 1970. They go on while a device sleeps, as no timer does. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Calls back after some milliseconds; answers what cancels that. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Tells what happens to the page until the answer is called. */
  readonly watch: (listener: (sign: LifeSign) => void) => () => void;
  /** Kept for all tabs, and for the next visit. */
  readonly local: KeyValues | null | undefined;
  /** Kept over a reload of this tab. */
  readonly session: KeyValues | null | undefined;
  readonly locks: Locks | undefined;
  readonly openChannel: ((name: string) => Channel) | undefined;
  /** Whether other tabs may show the same page. */
  readonly hasTabs: boolean;
  /** What kind of network the browser sees: `wifi`, `cellular`, `4g`; empty where it does not say. */
  readonly network: () => { readonly type: string; readonly speed: string };
}
