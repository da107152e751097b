import type { BackOff } from "../back-off.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Environment } from "../environment/environment.ts";
import type { MovableSource } from "../movable-source.ts";
import type { StreamOptions } from "../options.ts";
import { createTopicChanger } from "./change-topics.ts";
import { EdgeCalls } from "./edge-calls.ts";
import { ProblemError } from "./problem-error.ts";
import type { StreamCalls } from "./stream-calls.ts";

/** The stream that calls are about. */
interface CalledStream {
  readonly options: Pick<StreamOptions, "url" | "client" | "subscription">;
  readonly environment: Environment;
  readonly credentials: Credentials;
  /** What each of its connections asks for. */
  readonly parameters: URLSearchParams;
  readonly backOff: Pick<BackOff, "hurry">;
  readonly source: MovableSource;
  /** Whether other tabs may have the same connection. */
  readonly isShared: () => boolean;
}

/** Makes the calls about a stream. */
export function createStreamCalls({ options, environment, credentials, ...stream }: CalledStream): StreamCalls {
  const { url, client, subscription } = options;
  const edge = new EdgeCalls(url, environment, credentials);
  const changeTopics = createTopicChanger({ edge, ...stream, isKept: client !== undefined });
  const deliveryCall = async (name: "acks" | "nacks", body: object): Promise<void> => {
    if (subscription === undefined) {
      throw new ProblemError("malformed_request", "the stream is of no durable subscription: name one in `connect`");
    }
    await edge.call(`/v1/subscriptions/${subscription}/${name}`, { body });
  };
  return {
    subscribe: (topics) => changeTopics(topics, []),
    unsubscribe: (topics) => changeTopics([], topics),
    acknowledge: (deliveries) => deliveryCall("acks", "upTo" in deliveries ? deliveries : { ids: deliveries }),
    nack: (ids, delayMs = 0) => deliveryCall("nacks", { ids, delayMs }),
    publish: (body) => edge.call("/v1/events", { body }),
    presence(topic, { cursor, limit } = {}) {
      const query = new URLSearchParams({ topic });
      if (cursor !== undefined) query.set("cursor", cursor);
      if (limit !== undefined) query.set("limit", String(limit));
      return edge.call(`/v1/presence?${query}`, { method: "GET" });
    },
  };
}
