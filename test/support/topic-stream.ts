import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type EventStream, openEventStream, type StreamOptions } from "./event-stream.ts";
import type { RunningService } from "./start-service.ts";

/** What `ready` and `subscription` say of topics, and what a call that changes them answers. */
export interface TopicsSaid {
  readonly topics: readonly { readonly topic: string; readonly granted: boolean }[];
  readonly effectiveFrom?: string;
  readonly restored?: boolean;
}

/** An open stream whose topics a test changes. */
export interface TopicStream extends EventStream {
  readonly id: string;
  readonly ready: TopicsSaid;
}

/** Opens a stream at an edge and waits for `ready`. */
export async function openTopicStream(
  edge: RunningService,
  query: string,
  options: StreamOptions,
): Promise<TopicStream> {
  const stream = await openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?${query}`, options);
  const { event, data } = await stream.frame((frame) => frame.event === "ready" || frame.event === "busy");
  if (event === "busy") throw new Error(`the stream is refused: ${data}`);
  const ready = JSON.parse(data) as TopicsSaid & { readonly connectionId: string };
  return Object.assign(stream, { id: ready.connectionId, ready });
}

/** Asks an edge to change a stream's topics. */
export async function changeTopics(
  edge: RunningService,
  token: string,
  id: string,
  change: unknown,
): Promise<{ readonly status: number; readonly body: TopicsSaid & { readonly code?: string } }> {
  const response = await fetch(`http://127.0.0.1:${edge.ports.http}/v1/streams/${id}/topics`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: typeof change === "string" ? change : JSON.stringify(change),
  });
  return { status: response.status, body: (await response.json()) as TopicsSaid };
}

/** The same by a connection of its own: where many come at once the edge ends idle ones, also one that is just being used again. */
export async function changeApart(
  edge: RunningService,
  token: string,
  id: string,
  change: object,
): Promise<IncomingMessage> {
  const { http: port } = edge.ports;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const asking = request({ port, path: `/v1/streams/${id}/topics`, method: "POST", headers, agent: false });
  asking.end(JSON.stringify(change));
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  return response.resume();
}

/** The topics that are said, each with a `-` before it where nothing under it can be delivered. */
export function topicsIn({ topics }: TopicsSaid): string[] {
  return topics.map(({ topic, granted }) => `${granted ? "" : "-"}${topic}`);
}
