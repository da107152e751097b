import { createTopicChanger } from "./calls/change-topics.ts";
import { EdgeCalls } from "./calls/edge-calls.ts";
import { proveOwner } from "./calls/prove-owner.ts";
import { createStreamCalls } from "./calls/stream-calls.ts";
import { Credentials } from "./credentials/credentials.ts";
import type { Environment } from "./environment/environment.ts";
import { ownEnvironment } from "./environment/own-environment.ts";
import { FollowedStream } from "./follow-stream.ts";
import { createSourceOpener } from "./open-source.ts";
import { CLIENT_ROADS, type ConnectOptions, type Schemas, type StreamOptions } from "./options.ts";
import { Reporter } from "./reports/reporter.ts";
import { createPollRoad } from "./roads/poll-road.ts";
import { RoadChoice } from "./roads/road-choice.ts";
import { createSseRoad } from "./roads/sse-road.ts";
import { createWebSocketRoad } from "./roads/websocket-road.ts";
import type { SluiceStream } from "./sluice-stream.ts";
import type { OpenSource } from "./source.ts";
import { findSharing } from "./tabs/find-sharing.ts";
import { MovableSource } from "./tabs/movable-source.ts";
import { shareSource } from "./tabs/shared-source.ts";

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
  const { openSocket } = environment;
  const roads = {
    sse: createSseRoad(environment),
    poll: createPollRoad(environment),
    ...(openSocket && { websocket: createWebSocketRoad(openSocket) }),
  };
  const wanted = (options.transports ?? CLIENT_ROADS).filter((road) => road in roads);
  const parameters = parametersOf(options);
  const edge = new EdgeCalls(options.url, environment, credentials);
  const openOwn = createSourceOpener({
    options,
    parameters,
    environment,
    credentials,
    choice: new RoadChoice(wanted, options.url, environment),
    roads,
    reporter: new Reporter(options, credentials, environment),
  });
  let isShared = false;
  const choose = async (): Promise<OpenSource> => {
    const prove = (connectionId: string): Promise<boolean> => proveOwner(edge, connectionId);
    const sharing = await findSharing({ options, parameters, credentials, environment, prove });
    isShared = sharing !== undefined;
    return sharing === undefined ? openOwn : shareSource(openOwn, sharing);
  };
  // It is opened while the stream is made.
  let source!: MovableSource;
  const open: OpenSource = (listener, lastEventId) => (source = new MovableSource(choose, listener, lastEventId));
  const stream = new FollowedStream(options, environment, open);
  const isKept = options.client !== undefined;
  const changeTopics = createTopicChanger({ edge, source, parameters, isKept, isShared: () => isShared });
  return Object.assign(stream, createStreamCalls(edge, changeTopics, options.subscription));
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
