import { randomInt, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { type Edge, openStream, type StreamRequest } from "../open-stream.ts";
import { Connection } from "../sse/connection.ts";
import { chooseCoding, type ContentCoding } from "../sse/content-coding.ts";
import { encodeControl, encodeRetry } from "../sse/encode-frame.ts";
import { takeSocket } from "./handshake-socket.ts";
import { readHandshakeToken, single, type TokenReading } from "./request-token.ts";
import { tellProblem } from "./tell-problem.ts";

/** What the route needs beside the edge. */
export interface StreamRoute extends TokenReading {
  readonly edge: Edge;
}

/** A native EventSource waits this long before it comes back, spread so that many do not come back together. */
const RETRY_MS = { min: 1_000, max: 3_000 };

/** Serves `GET /v1/stream`; answers whether a stream has begun, which has the socket to its end. */
export async function serveStream(
  route: StreamRoute,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<boolean> {
  const requestId = randomUUID();
  response.setHeader("x-request-id", requestId);
  try {
    requireEventStream(request.headers.accept);
    await openStream(route.edge, streamRequest(route, request, query, requestId, response));
    return true;
  } catch (thrown) {
    const error = toAppError(thrown);
    route.edge.observer.refused(error.code);
    if (error.code === "internal") route.edge.observer.fault(error.cause);
    refuse(error, request, response);
    return false;
  }
}

function streamRequest(
  route: StreamRoute,
  request: IncomingMessage,
  query: URLSearchParams,
  requestId: string,
  response: ServerResponse,
): StreamRequest {
  const { headers, socket } = request;
  return {
    query,
    lastEventId: single(headers["last-event-id"]),
    readToken: () => readHandshakeToken(route, request, response, query),
    isGone: () => socket.destroyed,
    accept(connectionId) {
      // The headers, and from then on the bare socket: the body ends where the connection does, without chunk framing.
      const coding = chooseCoding(single(headers["accept-encoding"]));
      const beginning = coding.encode(encodeRetry(retryMs()));
      const bare = takeSocket(request);
      bare.write(
        Buffer.concat([Buffer.from(acceptanceOf(connectionId, requestId, response, coding)), coding.head, beginning]),
      );
      return new Connection(bare, coding);
    },
  };
}

function acceptanceOf(
  connectionId: string,
  requestId: string,
  response: ServerResponse,
  { name: coding }: ContentCoding,
): string {
  const lines = [
    "HTTP/1.1 200 OK",
    "Content-Type: text/event-stream; charset=utf-8",
    "Cache-Control: no-store, no-transform",
    "X-Accel-Buffering: no",
    "X-Content-Type-Options: nosniff",
    `X-Connection-ID: ${connectionId}`,
    `X-Request-ID: ${requestId}`,
    "Connection: close",
    ...(coding === "identity" ? [] : [`Content-Encoding: ${coding}`]),
  ];
  for (const name of [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "vary",
    "set-cookie",
    "x-access-token-renewed",
  ]) {
    const value = response.getHeader(name);
    if (value !== undefined) lines.push(`${name}: ${String(value)}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Tells a refusal. A native EventSource never comes back from anything but a 200, so "not now" is told inside one; clients
 * that declare themselves get the plain status.
 */
function refuse(error: AppError, request: IncomingMessage, response: ServerResponse): void {
  if (request.socket.destroyed) return;
  if (error.code !== "unavailable" || request.headers["x-sluice-client"] !== undefined) {
    return tellProblem(response, error);
  }
  const wait = retryMs();
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    connection: "close",
  });
  response.end(Buffer.concat([encodeRetry(wait), encodeControl("busy", { reason: error.message, retryMs: wait })]));
}

function requireEventStream(accept: string | undefined): void {
  if (accept === undefined || /(^|,)\s*(text\/event-stream|text\/\*|\*\/\*)\s*(;|,|$)/i.test(accept)) return;
  throw new AppError("not_acceptable", "this is an event stream: send Accept: text/event-stream");
}

function retryMs(): number {
  return randomInt(RETRY_MS.min, RETRY_MS.max);
}
