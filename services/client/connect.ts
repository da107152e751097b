import { BackOff } from "./back-off.ts";
import { ProblemError } from "./calls/problem-error.ts";
import type { StreamCalls } from "./calls/stream-calls.ts";
import { Credentials } from "./credentials/credentials.ts";
import type { Environment } from "./environment/environment.ts";
import { ownEnvironment } from "./environment/own-environment.ts";
import { FollowedStream } from "./follow-stream.ts";
import { createSourceOpener } from "./open-source.ts";
import { CLIENT_ROADS, type ClientRoad, type ConnectOptions, type Schemas, type StreamOptions } from "./options.ts";
import type { Reporter } from "./reports/reporter.ts";
import { RoadChoice, type Roads } from "./roads/road-choice.ts";
import { createSseRoad } from "./roads/sse-road.ts";
import type { FollowRoad } from "./roads/road.ts";
import type { SluiceStream } from "./sluice-stream.ts";
import type { OpenSource } from "./source.ts";
import { MovableSource } from "./movable-source.ts";

/** Follows an event stream until it is closed, or ends for a reason that its state names. */
export function connect<const Given extends Schemas = Schemas>(options: ConnectOptions<Given>): SluiceStream<Given> {
  return connectIn(ownEnvironment(), options);
}

/** The same, in a program that is not the one around it. */
export function connectIn<const Given extends Schemas = Schemas>(
  environment: Environment,
  given: ConnectOptions<Given>,
): SluiceStream<Given> {
  const options = { ...given, url: given.url.replace(/\/+$/, "") };
  const credentials = new Credentials(options, environment);
  const roads = roadsIn(environment);
  // A durable subscription has one open connection, which polls are not.
  const canTake = (road: ClientRoad): boolean =>
    road in roads && (road !== "poll" || options.subscription === undefined);
  const { transports = CLIENT_ROADS } = options;
  const wanted = transports.filter(canTake);
  if (!hasOne(wanted)) throw new TypeError(`cannot take ${transports.join()}`);
  const asked = { options, parameters: parametersOf(options), environment, credentials };
  const backOff = new BackOff(environment);
  const openOwn = createSourceOpener({
    ...asked,
    choice: new RoadChoice(wanted, options.url, environment),
    backOff,
    roads,
    // Most clients never have to ask why a road is closed.
    ask: loadAsking(async () => (await import("./roads/ask-capabilities.ts")).askCapabilities),
    reporter: options.reports
      ? laterReporter(
          async () => new (await import("./reports/reporter.ts")).Reporter(options, credentials, environment),
        )
      : SILENT,
  });
  // Most pages are shown in one tab, and make no calls: what is for that is loaded when it is needed.
  let isShared = false;
  const choose = async (): Promise<OpenSource> => {
    isShared = false;
    if (!mayShare(options, environment)) return openOwn;
    try {
      const { shareTabs } = await import("./tabs/share-tabs.ts");
      const shared = await shareTabs(openOwn, { ...asked, onOther: () => source.move() });
      isShared = shared !== undefined;
      return shared ?? openOwn;
    } catch {
      // The file could not be loaded.
      return openOwn;
    }
  };
  // It is opened while the stream is made.
  let source!: MovableSource;
  const open: OpenSource = (listener, lastEventId) => (source = new MovableSource(choose, listener, lastEventId));
  const stream = new FollowedStream(options, environment, open);
  const loadCalls = async (): Promise<StreamCalls> => {
    const { createStreamCalls } = await import("./calls/create-stream-calls.ts");
    return createStreamCalls({ ...asked, backOff, source, isShared: () => isShared });
  };
  return Object.assign(stream, callLater(loadCalls));
}

function hasOne(roads: readonly ClientRoad[]): roads is Roads {
  return roads.length > 0;
}

/** What tells the edge how streams fare, as far as streams use it. */
type Reports = Pick<Reporter, "left" | "lost" | "opened">;

const SILENT: Reports = { left() {}, lost() {}, opened() {} };

/** Reports that are loaded where they are asked for. Without their file there are none. */
function laterReporter(load: () => Promise<Reports>): Reports {
  const loaded = load().catch(() => SILENT);
  return {
    left: (...seen) => void loaded.then((reporter) => reporter.left(...seen)),
    lost: (...seen) => void loaded.then((reporter) => reporter.lost(...seen)),
    opened: (...seen) => void loaded.then((reporter) => reporter.opened(...seen)),
  };
}

/** The roads that this program can take. */
function roadsIn(environment: Environment): Partial<Record<ClientRoad, FollowRoad>> {
  const { openSocket } = environment;
  return {
    sse: createSseRoad(environment),
    poll: loadAsking(async () => (await import("./roads/poll-road.ts")).createPollRoad(environment)),
    ...(openSocket && {
      websocket: loadAsking(async () => (await import("./roads/websocket-road.ts")).createWebSocketRoad(openSocket)),
    }),
  };
}

/** What is loaded when it is first needed: most clients never leave Server-Sent Events. What failed to load is loaded anew the next time. */
function loadOnce<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let loaded: Promise<Loaded> | undefined;
  return async () => {
    try {
      return await (loaded ??= load());
    } catch (cause) {
      loaded = undefined;
      throw new ProblemError("unavailable", String(cause), { cause });
    }
  };
}

/** What asks the edge, and is loaded so. Where it cannot be, the edge is not there either. */
function loadAsking<Asked extends unknown[], Answer>(
  load: () => Promise<(...asked: Asked) => Promise<Answer>>,
): (...asked: Asked) => Promise<Answer | { readonly kind: "unreachable" }> {
  const loaded = loadOnce(load);
  return async (...asked) => {
    try {
      const ask = await loaded();
      return await ask(...asked);
    } catch {
      return { kind: "unreachable" };
    }
  };
}

const CALLS = ["subscribe", "unsubscribe", "acknowledge", "nack", "publish", "presence"] as const;

/** Calls that are loaded when the first one is made. */
function callLater(load: () => Promise<StreamCalls>): StreamCalls {
  const calls = loadOnce(load);
  type Call = (...given: unknown[]) => unknown;
  const later = (name: keyof StreamCalls): [string, Call] => [
    name,
    async (...given) => ((await calls())[name] as Call)(...given),
  ];
  return Object.fromEntries(CALLS.map(later)) as unknown as StreamCalls;
}

/**
 * Whether a stream may be one for several tabs. A client id is one tab's, a durable subscription has one reader, and a snapshot of
 * presence comes once. Programs share where they say so: workers of one process are no tabs.
 */
function mayShare(
  { client, subscription, presence = [], share }: StreamOptions,
  { locks, openChannel, hasTabs }: Environment,
): boolean {
  if (locks === undefined || openChannel === undefined || !(share ?? hasTabs)) return false;
  return client === undefined && subscription === undefined && presence.length === 0;
}

/** What the stream is of. Events come as CloudEvents: their type, topic, time and trace are in them. */
function parametersOf({ topics = [], client, subscription, from, presence = [] }: StreamOptions): URLSearchParams {
  const single = { client, subscription, from, format: "cloudevents" };
  return new URLSearchParams([
    ...topics.map((topic): [string, string] => ["topic", topic]),
    ...presence.map((topic): [string, string] => ["presence", topic]),
    ...Object.entries(single).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ]);
}
