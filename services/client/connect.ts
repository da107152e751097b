import { BackOff } from "./back-off.ts";
import type { StreamCalls } from "./calls/stream-calls.ts";
import { Credentials } from "./credentials/credentials.ts";
import type { Environment } from "./environment/environment.ts";
import { ownEnvironment } from "./environment/own-environment.ts";
import { FollowedStream } from "./follow-stream.ts";
import { createSourceOpener } from "./open-source.ts";
import { CLIENT_ROADS, type ClientRoad, type ConnectOptions, type Schemas, type StreamOptions } from "./options.ts";
import type { Reporter } from "./reports/reporter.ts";
import type { askCapabilities } from "./roads/ask-capabilities.ts";
import { RoadChoice } from "./roads/road-choice.ts";
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
  const wanted = (options.transports ?? CLIENT_ROADS).filter(canTake);
  const parameters = parametersOf(options);
  const backOff = new BackOff(environment);
  const openOwn = createSourceOpener({
    options,
    parameters,
    environment,
    credentials,
    choice: new RoadChoice(wanted, options.url, environment),
    backOff,
    roads,
    ask: askLater,
    reporter:
      (options.reports ?? false) === false
        ? SILENT
        : laterReporter(
            async () => new (await import("./reports/reporter.ts")).Reporter(options, credentials, environment),
          ),
  });
  // Most pages are shown in one tab, and make no calls: what is for that is loaded when it is needed.
  let isShared = false;
  const choose = async (): Promise<OpenSource> => {
    isShared = false;
    if (!mayShare(options, environment)) return openOwn;
    try {
      const { shareTabs } = await import("./tabs/share-tabs.ts");
      const shared = await shareTabs(openOwn, {
        options,
        parameters,
        credentials,
        environment,
        onOther: () => source.move(),
      });
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
    return createStreamCalls({
      options,
      environment,
      credentials,
      parameters,
      backOff,
      source,
      isShared: () => isShared,
    });
  };
  return Object.assign(stream, callLater(loadCalls));
}

/** Most clients never have to ask why a road is closed. */
async function askLater(...asked: Parameters<typeof askCapabilities>): ReturnType<typeof askCapabilities> {
  try {
    return await (await import("./roads/ask-capabilities.ts")).askCapabilities(...asked);
  } catch {
    return { kind: "unreachable" };
  }
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
    poll: loadRoad(async () => (await import("./roads/poll-road.ts")).createPollRoad(environment)),
    ...(openSocket && {
      websocket: loadRoad(async () => (await import("./roads/websocket-road.ts")).createWebSocketRoad(openSocket)),
    }),
  };
}

/** A road that is loaded when it is first needed: most clients never leave Server-Sent Events. */
function loadRoad(load: () => Promise<FollowRoad>): FollowRoad {
  let loaded: Promise<FollowRoad> | undefined;
  return async (request, listener, signal) => {
    try {
      return await (
        await (loaded ??= load())
      )(request, listener, signal);
    } catch {
      // The file could not be loaded: the next try loads it anew.
      loaded = undefined;
      return { kind: "unreachable" };
    }
  };
}

/** Calls that are loaded when the first one is made. */
function callLater(load: () => Promise<StreamCalls>): StreamCalls {
  let loaded: Promise<StreamCalls> | undefined;
  const calls = (): Promise<StreamCalls> => (loaded ??= load());
  return {
    subscribe: async (topics) => (await calls()).subscribe(topics),
    unsubscribe: async (topics) => (await calls()).unsubscribe(topics),
    acknowledge: async (deliveries) => (await calls()).acknowledge(deliveries),
    nack: async (ids, delayMs) => (await calls()).nack(ids, delayMs),
    publish: async (event) => (await calls()).publish(event),
    presence: async (topic, page) => (await calls()).presence(topic, page),
  };
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
