import type { ServerResponse } from "node:http";
import Negotiator from "negotiator";
import { encodeControl, heartbeatOf } from "../../frames/encode-frame.ts";
import { type BodyCoding, chooseBodyCoding, withoutCompression } from "../../sse/body-coding.ts";
import { SocketConnection } from "../../sse/socket-connection.ts";
import { takeSocket } from "../handshake-socket.ts";
import { keptHeaders } from "./kept-headers.ts";
import type { Road } from "./road.ts";

/** A media type, as it is answered and as clients may name it. */
interface MediaType {
  readonly answered: string;
  readonly names: readonly string[];
  /** So many bytes that mean nothing before the first frame. */
  readonly padding: (bytes: number) => Buffer;
}

const EVENT_STREAM: MediaType = {
  answered: "text/event-stream; charset=utf-8",
  names: ["text/event-stream", "text/event-stream; charset=utf-8"],
  padding: (bytes) => Buffer.from(`:${" ".repeat(Math.max(0, bytes - 2))}\n`),
};

const NDJSON: MediaType = {
  answered: "application/x-ndjson",
  names: ["application/x-ndjson"],
  // On the line of the first object: a line of blanks alone is no JSON.
  padding: (bytes) => Buffer.alloc(bytes, " "),
};

/** Where a client likes several equally, it gets the first. */
const ALL_NAMES = [EVENT_STREAM, NDJSON].flatMap(({ names }) => names);

/** Server-Sent Events, as a browser's EventSource reads them. */
export const sseRoad = bodyRoad("sse", EVENT_STREAM);

/** A JSON object to a line, for programs. */
export const ndjsonRoad = bodyRoad("ndjson", NDJSON);

/** A road whose frames are a response's body without an end, chosen by `Accept`. The name of its framing is its own. */
function bodyRoad(transport: "sse" | "ndjson", { answered, names, padding }: MediaType): Road {
  const format = { framing: transport };
  return {
    transport,
    status: 200,
    isAskedFor: (request) => names.includes(new Negotiator(request).mediaType(ALL_NAMES) ?? ""),
    take: ({ request, response, requestId }) => ({
      framing: transport,
      accept(connectionId, { answer: { padBytes } }) {
        // Compressed, padding would be nothing.
        const coding = padBytes > 0 ? withoutCompression(request) : chooseBodyCoding(request);
        const headers = headOf(answered, { connectionId, requestId }, response, coding);
        const head = padBytes > 0 ? Buffer.concat([headers, coding.begin(padding(padBytes))]) : headers;
        return new SocketConnection(takeSocket(request), { coding, head, heartbeat: heartbeatOf(format) });
      },
    }),
    answerBusy({ response }, busy) {
      const frame = encodeControl(format, "busy", busy);
      // A body of a known length leaves together with the head, in one write.
      response.writeHead(200, {
        "content-type": answered,
        "cache-control": "no-store, no-transform",
        "content-length": frame.length,
        connection: "close",
      });
      response.end(frame);
    },
  };
}

function headOf(
  mediaType: string,
  { connectionId, requestId }: { readonly connectionId: string; readonly requestId: string },
  response: ServerResponse,
  coding: BodyCoding,
): Buffer {
  const lines = [
    "HTTP/1.1 200 OK",
    `Content-Type: ${mediaType}`,
    "Cache-Control: no-store, no-transform",
    "X-Accel-Buffering: no",
    "X-Content-Type-Options: nosniff",
    `X-Connection-ID: ${connectionId}`,
    `X-Request-ID: ${requestId}`,
    ...coding.headers,
    ...keptHeaders(response),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}
