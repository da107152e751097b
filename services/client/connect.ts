import { Credentials } from "./credentials/credentials.ts";
import { type Environment, ownEnvironment } from "./environment/environment.ts";
import { FollowedStream } from "./follow-stream.ts";
import { createSourceOpener } from "./open-source.ts";
import { CLIENT_ROADS, type ConnectOptions, type Schemas, type StreamOptions } from "./options.ts";
import { Reporter } from "./reports/reporter.ts";
import { createPollRoad } from "./roads/poll-road.ts";
import { RoadChoice } from "./roads/road-choice.ts";
import { createSseRoad } from "./roads/sse-road.ts";
import { createWebSocketRoad } from "./roads/websocket-road.ts";
import type { SluiceStream } from "./sluice-stream.ts";

export type { ConnectOptions, Reaction, Schemas } from "./options.ts";
export type { SluiceStream } from "./sluice-stream.ts";
export { StreamEndedError } from "./stream-ended-error.ts";
export type { InvalidEvent, StreamEvent } from "./stream-event.ts";
export type { EndReason, StreamState, WaitReason } from "./stream-state.ts";

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
  const open = createSourceOpener({
    options,
    parameters: parametersOf(options),
    environment,
    credentials,
    choice: new RoadChoice(wanted, options.url, environment),
    roads,
    reporter: new Reporter(options, credentials, environment),
  });
  return new FollowedStream(options, environment, open);
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
