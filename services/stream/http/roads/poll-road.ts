import type { IncomingMessage } from "node:http";
import { negotiatorFor } from "#shared/http/negotiator-for.ts";
import { single } from "#shared/http/single-header.ts";
import { ANSWERED, rightOver } from "../../connections/end-stream.ts";
import type { Hub } from "../../connections/hub.ts";
import { encodeControl } from "../../frames/encode-frame.ts";
import { encodePoll } from "./encode-poll.ts";
import { isDeclared } from "./is-declared.ts";
import { PollConnection } from "./poll-connection.ts";
import type { Road } from "./road.ts";

/** The edge, as far as polls end their streams. */
export interface PollEdge {
  readonly hub: Pick<Hub, "find">;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly checkClock: () => void;
}

const FORMAT = { framing: "ndjson" } as const;

/** Frames that are gathered, and are one answer in JSON: each poll is a stream that ends with its answer. */
export function createPollRoad(edge: PollEdge, request: IncomingMessage): Road {
  const cameWith = lastEventIdOf(request);
  return {
    transport: "poll",
    status: 200,
    isAskedFor: () => negotiatorFor(request.headers).mediaType(["application/json"]) !== undefined,
    take: ({ response }) => ({
      ...FORMAT,
      accept: (connectionId, { lastEventId, answer: { waitMs } }) =>
        new PollConnection(response, {
          waitMs,
          lastEventId,
          connectionId,
          now: edge.now,
          isCaughtUp: () => edge.hub.find(connectionId)?.reader.isLive === true,
          complete: () => complete(edge, connectionId),
        }),
    }),
    readsStatus: isDeclared,
    answerBusy({ response }, busy) {
      const body = encodePoll([encodeControl(FORMAT, "busy", busy)], cameWith);
      response.writeHead(200, {
        "content-type": "application/json",
        "cache-control": "no-store",
        "content-length": body.length,
      });
      response.end(body);
    },
  };
}

/** The id that a request comes with, read before anything of it is taken: a client that is refused goes on behind it. */
export function lastEventIdOf({ headers, url = "" }: Pick<IncomingMessage, "headers" | "url">): string {
  const header = single(headers["last-event-id"]);
  return header || new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("lastEventId") || "";
}

/** What was gathered leaves only where it could be written still: the machine may have slept meanwhile. */
function complete(edge: PollEdge, connectionId: string): void {
  const reader = edge.hub.find(connectionId)?.reader;
  edge.checkClock();
  if (reader === undefined || reader.ended) return;
  const over = rightOver(reader.registration, edge.now());
  if (over === undefined) reader.end(ANSWERED);
  else reader.revoke(over);
}
