import type { IncomingMessage, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { corsHeaders } from "#shared/http/cors.ts";
import { sendProblem } from "#shared/http/send-problem.ts";
import { type Edge, openStream, type StreamRequest } from "../open-stream.ts";
import { Connection } from "../sse/connection.ts";
import { type BodyCoding, chooseBodyCoding } from "../sse/body-coding.ts";
import { encodeControl } from "../sse/encode-frame.ts";
import { chooseRetryDelay } from "../sse/retry-delay.ts";
import type { TrustedProxies } from "./caller-address.ts";
import { takeSocket } from "./handshake-socket.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { VARY } from "./stream-headers.ts";
import { readHandshakeToken, single, type TokenReading } from "./request-token.ts";

/** The edge, how the route reads tokens, and whose word on a client's address it believes. */
export interface StreamRoute extends TokenReading {
  readonly trusted: TrustedProxies;
  readonly edge: Edge;
}

/** The only media type there is, as clients may name it. */
const EVENT_STREAM = ["text/event-stream", "text/event-stream; charset=utf-8"];

/** What a request asks for, its id, and where it comes from. */
interface StreamTarget {
  readonly query: URLSearchParams;
  readonly address: string | undefined;
  readonly requestId: string;
}

/** Serves `GET /v1/stream`; answers whether a stream has begun, which then owns the socket. */
export async function serveStream(
  route: StreamRoute,
  request: IncomingMessage,
  response: ServerResponse,
  target: StreamTarget,
): Promise<boolean> {
  const { query, requestId } = target;
  const cors = corsHeaders(request.headers.origin, route.allowedOrigins);
  response.setHeaders(new Map(Object.entries({ "x-request-id": requestId, vary: VARY, ...cors })));
  let caller: VerifiedClaims | undefined;
  const readToken = async (): Promise<VerifiedClaims> => {
    caller = await readHandshakeToken(route, request, response, query);
    requireUse(caller, "stream");
    return caller;
  };
  try {
    requireEventStream(request);
    await openStream(route.edge, streamRequest(request, target, response, readToken));
    return true;
  } catch (thrown) {
    const error = toAppError(thrown);
    route.edge.observer.refused(error, { requestId, tenant: caller?.tenant_id, subject: caller?.sub });
    refuse(error, route, request, response, requestId);
    return false;
  }
}

function streamRequest(
  request: IncomingMessage,
  { query, requestId, address }: StreamTarget,
  response: ServerResponse,
  readToken: StreamRequest["readToken"],
): StreamRequest {
  const { headers, socket } = request;
  return {
    id: requestId,
    query,
    lastEventId: single(headers["last-event-id"]),
    address,
    readToken,
    isGone: () => socket.destroyed,
    accept(connectionId) {
      const coding = chooseBodyCoding(request);
      const head = acceptanceOf(connectionId, requestId, response, coding);
      return new Connection(takeSocket(request), coding, Buffer.from(head));
    },
  };
}

/** The response headers that an accepted stream keeps. */
const KEPT_HEADERS = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
  "vary",
  "set-cookie",
  "x-access-token-renewed",
];

function acceptanceOf(connectionId: string, requestId: string, response: ServerResponse, coding: BodyCoding): string {
  const kept = KEPT_HEADERS.filter((name) => response.hasHeader(name));
  const lines = [
    "HTTP/1.1 200 OK",
    "Content-Type: text/event-stream; charset=utf-8",
    "Cache-Control: no-store, no-transform",
    "X-Accel-Buffering: no",
    "X-Content-Type-Options: nosniff",
    `X-Connection-ID: ${connectionId}`,
    `X-Request-ID: ${requestId}`,
    ...coding.headers,
    ...kept.flatMap((name) => [response.getHeader(name) ?? []].flat().map((value) => `${name}: ${value}`)),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Sends a refusal. A native EventSource comes back only after a 200, so it gets what is refused for now as a `busy` frame in
 * one; clients that declare themselves get the plain status.
 */
function refuse(
  error: AppError,
  { edge }: StreamRoute,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): void {
  if (request.socket.destroyed) return;
  if (error.busy === undefined || request.headers["x-sluice-client"] !== undefined) {
    return sendProblem(response, error, requestId);
  }
  const retryMs = chooseRetryDelay(edge.admission.pressure);
  const frame = encodeControl("busy", { reason: error.busy, detail: error.message, retryMs }).toString();
  // A text of a known length leaves together with the head, in one write.
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "content-length": Buffer.byteLength(frame),
    connection: "close",
  });
  response.end(frame);
}

function requireEventStream(request: IncomingMessage): void {
  if (new Negotiator(request).mediaType(EVENT_STREAM) !== undefined) return;
  throw new AppError("not_acceptable", "this is an event stream: send Accept: text/event-stream");
}
