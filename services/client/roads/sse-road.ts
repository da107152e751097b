import { createParser } from "eventsource-parser";
import type { Environment } from "../environment/environment.ts";
import { askEdge, transportsOf } from "./ask-edge.ts";
import type { FollowRoad, RoadListener } from "./road.ts";

/** Server-Sent Events by `fetch`: unlike an EventSource it can send a token, and read a refusal. */
export function createSseRoad(environment: Pick<Environment, "fetch">): FollowRoad {
  return async (request, listener, signal) => {
    const extra = request.pad === 0 ? undefined : { pad: String(request.pad) };
    const question = { path: "/v1/stream", mediaType: "text/event-stream", ...(extra && { extra }) };
    const answer = await askEdge(environment, request, question, signal);
    if (answer.kind !== "answered") return answer;
    listener.onOpen(transportsOf(answer.response));
    const feed = createFrameReader(listener);
    try {
      // Safari cannot iterate a body.
      const reader = answer.response.body?.getReader();
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
        listener.onBytes();
        feed(part.value);
      }
    } catch {
      // It broke off, or was aborted.
    }
    return { kind: "closed" };
  };
}

/** Reads frames from bytes of Server-Sent Events, cut anywhere (HTML standard, section 9.2.6). */
export function createFrameReader({ onFrame }: Pick<RoadListener, "onFrame">): (bytes: Uint8Array) => void {
  // The parser takes a byte order mark away itself: the decoder would take a first one, and the parser a second one.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  // The parser hands on its own object, with these very fields.
  const parser = createParser({ onEvent: onFrame, onRetry: (retry) => onFrame({ retry }) });
  return (bytes) => parser.feed(decoder.decode(bytes, { stream: true }));
}
