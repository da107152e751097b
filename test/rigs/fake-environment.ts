import type {
  Channel,
  Environment,
  KeyValues,
  LifeSign,
  Locks,
} from "../../services/client/environment/environment.ts";
import type { FollowRoad, RoadEnd, RoadListener, RoadRequest } from "../../services/client/roads/road.ts";

/** A page whose time stands still until the test says otherwise. */
export interface FakeEnvironment extends Environment {
  /** Lets time pass: each timer at its time, and behind it all that follows from it without time. */
  pass(ms: number): Promise<void>;
  /** Lets time pass while nothing runs, as on a device that sleeps: timers are late by as much. */
  sleep(ms: number): void;
  sign(sign: LifeSign): void;
  networkIs(type: string): void;
  readonly stored: ReadonlyMap<string, string>;
}

/** A page of 1970 whose random numbers are all a half; `change` says what is different. */
export function createFakeEnvironment(change: Partial<Environment> = {}): FakeEnvironment {
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const watchers = new Set<(sign: LifeSign) => void>();
  const stored = new Map<string, string>();
  let [now, asleep, type] = [0, 0, "wifi"];
  return {
    fetch: async () => new Response(null, { status: 404 }),
    openSocket: undefined,
    now: () => now + asleep,
    random: () => 0.5,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    local: storageIn(stored),
    session: storageIn(stored),
    locks: undefined,
    openChannel: undefined,
    hasTabs: false,
    network: () => ({ type, speed: "4g" }),
    ...change,
    async pass(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.callback();
        await settle();
      }
      now = until;
    },
    sleep: (ms) => void (asleep += ms),
    sign: (sign) => watchers.forEach((watcher) => watcher(sign)),
    networkIs: (next) => void (type = next),
    stored,
  };
}

/** What follows from something without time has happened. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function storageIn(stored: Map<string, string>): KeyValues {
  return { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => void stored.set(key, value) };
}

/** A request for a stream along a fake road, and the other end of the road. */
export interface Journey extends RoadListener {
  readonly request: RoadRequest;
  readonly signal: AbortSignal;
  /** Ends the road. */
  end(end: RoadEnd): void;
  /** Answers, and sends `ready`. */
  ready(change?: object): void;
  /** Sends a frame of the edge's own. */
  control(event: string, data?: object, fields?: { readonly id?: string; readonly retry?: number }): void;
  /** Sends an event at this place of the log. */
  event(seq: number, change?: object): void;
}

/** A road whose other end is the test. */
export interface FakeRoad {
  readonly follow: FollowRoad;
  readonly journeys: readonly Journey[];
  /** The last one. */
  readonly now: Journey;
}

/** Makes a road. Like a real one it tells nothing after its signal. */
export function createFakeRoad(): FakeRoad {
  const journeys: Journey[] = [];
  return {
    journeys,
    get now() {
      return journeys.at(-1) ?? expectJourney();
    },
    follow: (request, listener, signal) =>
      new Promise((resolve) => {
        const frame: RoadListener["onFrame"] = (each) => {
          listener.onBytes();
          listener.onFrame(each);
        };
        const journey: Journey = {
          onOpen: (transports) => listener.onOpen(transports),
          onBytes: () => listener.onBytes(),
          onFrame: frame,
          request,
          signal,
          end: resolve,
          ready(change = {}) {
            listener.onOpen(undefined);
            journey.control(
              "ready",
              { connectionId: "c-1", expiresAt: "1970-01-02T00:00:00Z", ...change },
              { retry: 2_000 },
            );
          },
          control: (event, data, fields = {}) =>
            frame({ event, data: data === undefined ? "" : JSON.stringify(data), ...fields }),
          event: (seq, change = {}) =>
            frame({ id: idOf(seq), data: JSON.stringify({ type: "a.b", subject: "a.b.c", data: seq, ...change }) }),
        };
        journeys.push(journey);
      }),
  };
}

/** The id of a place in the log. */
export function idOf(seq: number): string {
  return `epoch-one.${seq}.t${seq}`;
}

function expectJourney(): never {
  throw new Error("nobody has taken this road");
}

/** Locks and channels of one origin, for as many tabs as take them. */
export function createOrigin(): { readonly locks: Locks; readonly openChannel: (name: string) => Channel } {
  const held = new Map<string, Promise<unknown>>();
  const channels = new Set<{ readonly name: string; readonly hear: (data: unknown) => void }>();
  const hold = async <Result>(name: string, callback: () => Promise<Result>): Promise<Result> => {
    const before = held.get(name);
    const turn = (async () => {
      await before;
      return callback();
    })();
    const done = Promise.allSettled([turn]);
    held.set(name, done);
    void done.then(() => held.get(name) === done && held.delete(name));
    return turn;
  };
  const request = async (name: string, ...rest: readonly unknown[]): Promise<unknown> => {
    const callback = rest.at(-1) as (lock: object | null) => Promise<unknown>;
    if (rest.length === 2 && held.has(name)) return callback(null);
    return hold(name, () => callback({}));
  };
  return {
    locks: { request } as Locks,
    openChannel(name) {
      const own: { name: string; hear: (data: unknown) => void } = { name, hear: () => {} };
      channels.add(own);
      return {
        postMessage: (data) => channels.forEach((each) => each !== own && each.name === name && each.hear(data)),
        addEventListener: (_, listener) => void (own.hear = (data) => listener({ data })),
        close: () => void channels.delete(own),
      };
    },
  };
}
