import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import { parseJson } from "#shared/json/parse-json.ts";
import { ScriptError } from "./run-script.ts";
import { fetchFrom, refused } from "./service-calls.ts";

/** A block of an event stream that says something; comments are left out. */
export type Frame = EventSourceMessage;

/** What to open. */
export interface StreamQuestion {
  readonly base: string;
  readonly token: string;
  readonly topics: readonly string[];
  readonly format?: "raw" | "cloudevents";
  readonly from?: string | undefined;
  readonly lastEventId?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Opens a stream at the edge and answers its frames, the first of which is `ready` or `busy`. They end with the stream, and reject when
 * the connection breaks.
 * @throws {ScriptError} where the edge does not answer, or refuses.
 */
export async function openEventStream(question: StreamQuestion): Promise<AsyncIterable<Frame>> {
  const { base, token, topics, format, from, lastEventId, signal } = question;
  const query = new URLSearchParams(topics.map((topic): [string, string] => ["topic", topic]));
  if (format !== undefined) query.set("format", format);
  if (lastEventId !== undefined) query.set("lastEventId", lastEventId);
  else if (from !== undefined) query.set("from", from);
  // With this header "not now" is a status and not a stream.
  const headers = { accept: "text/event-stream", "accept-encoding": "identity", "x-sluice-client": "sluice" };
  const call = { method: "GET", path: `/v1/stream?${query.toString()}`, token, headers, signal } as const;
  const response = await fetchFrom("stream", base, call);
  if (!response.ok) throw refused("stream", response.status, parseJson(await response.text()));
  if (response.body === null || !response.headers.has("x-connection-id"))
    throw new ScriptError(`what answers at ${base} is not stream`);
  return response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
}
