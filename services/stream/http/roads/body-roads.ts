import type { ServerResponse } from "node:http";
import { negotiatorFor } from "#shared/http/negotiator-for.ts";
import { encodeControl, heartbeatOf } from "../../frames/encode-frame.ts";
import { type BodyCoding, chooseBodyCoding, withoutCompression } from "../../sse/body-coding.ts";
import { SocketConnection } from "../../sse/socket-connection.ts";
import { takeSocket } from "../handshake-socket.ts";
import { keptHeaders } from "./kept-headers.ts";
import { EVENT_STREAM, NDJSON } from "../stream-headers.ts";
import { isDeclared } from "./is-declared.ts";
import type { Road } from "./road.ts";

/** Media types as clients may name them. */
const NAMES = { sse: ["text/event-stream", EVENT_STREAM], ndjson: [NDJSON] };

/** So many bytes that mean nothing before the first frame. */
const PADDING: Readonly<Record<keyof typeof NAMES, (bytes: number) => string>> = {
  sse: (bytes) => `:${" ".repeat(Math.max(0, bytes - 2))}\n`,
  // On the line of the first object: a line of blanks alone is no JSON.
  ndjson: (bytes) => " ".repeat(bytes),
};

/** Where a client likes several equally, it gets the first. */
const ALL_NAMES = [...NAMES.sse, ...NAMES.ndjson];

/** Server-Sent Events, as a browser's EventSource reads them. */
export const sseRoad = bodyRoad("sse", EVENT_STREAM);

/** A JSON object to a line, for programs. */
export const ndjsonRoad = bodyRoad("ndjson", NDJSON);

/** A road whose frames are a response's body without an end, chosen by `Accept`. The name of its framing is its own. */
function bodyRoad(transport: "sse" | "ndjson", mediaType: string): Road {
  const names = NAMES[transport];
  const format = { framing: transport };
  return {
    transport,
    status: 200,
    isAskedFor: ({ headers }) => names.includes(negotiatorFor(headers).mediaType(ALL_NAMES) ?? ""),
    take: ({ request, response, requestId }) => ({
      framing: transport,
      accept(connectionId, { answer: { padBytes } }) {
        // Compressed, padding would be nothing.
        const coding = padBytes > 0 ? withoutCompression(request) : chooseBodyCoding(request);
        const headers = headOf(mediaType, { connectionId, requestId }, response, coding);
        const padding = Buffer.from(padBytes > 0 ? PADDING[transport](padBytes) : "");
        const head = padBytes > 0 ? Buffer.concat([headers, coding.begin(padding)]) : headers;
        return new SocketConnection(takeSocket(request), { coding, head, heartbeat: heartbeatOf(format) });
      },
    }),
    // A native EventSource comes back only after a 200.
    readsStatus: isDeclared,
    answerBusy({ response }, busy) {
      const frame = encodeControl(format, "busy", busy);
      // A body of a known length leaves together with the head, in one write.
      response.writeHead(200, {
        "content-type": mediaType,
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
