import type { IncomingMessage, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { corsHeaders } from "#shared/http/cors.ts";
import { traceFactsOf, traceparentOf } from "#shared/protocol/traceparent.ts";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import type { Span, Tracer } from "#shared/trace/tracer.ts";
import { sendProblem } from "#shared/http/send-problem.ts";
import { type Edge, openStream, type StreamRequest } from "../open-stream.ts";
import { SocketConnection } from "../sse/socket-connection.ts";
import { type BodyCoding, chooseBodyCoding } from "../sse/body-coding.ts";
import { formatControl } from "../frames/sse-framing.ts";
import type { Shortage } from "../sse/retry-delay.ts";
import type { TrustedProxies } from "#shared/http/client-address.ts";
import { wholeAddressOf } from "./caller-address.ts";
import { takeSocket } from "./handshake-socket.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { VARY } from "./stream-headers.ts";
import { takeQuery } from "./take-query.ts";
import { findHandshakeToken, type TokenReading } from "./request-token.ts";
import { single } from "#shared/http/single-header.ts";

/** The edge, how the route reads tokens, and whose word on a client's address it believes. */
export interface StreamRoute extends TokenReading {
  readonly trusted: TrustedProxies;
  readonly edge: Edge;
}

/** The only media type there is, as clients may name it. */
const EVENT_STREAM = ["text/event-stream", "text/event-stream; charset=utf-8"];

/** How much of a `User-Agent` is kept. */
const MAX_USER_AGENT = 256;

/** A request's id, and where it comes from. */
interface RequestOrigin {
  readonly address: string | undefined;
  readonly requestId: string;
}

/** What a request for a stream is read with. */
interface Handshake extends RequestOrigin, Pick<StreamRequest, "client" | "signal"> {
  /** The span that its calls are made within. */
  readonly span: Span;
}

/** Serves `GET /v1/stream`; answers whether a stream has begun, which then owns the socket. */
export async function serveStream(
  route: StreamRoute,
  request: IncomingMessage,
  response: ServerResponse,
  origin: RequestOrigin,
): Promise<boolean> {
  const { requestId } = origin;
  const cors = corsHeaders(request.headers.origin, route.allowedOrigins);
  response.setHeaders(new Map(Object.entries({ "x-request-id": requestId, vary: VARY, ...cors })));
  let caller: VerifiedClaims | undefined;
  const findToken: StreamRequest["findToken"] = (query) => {
    const verify = findHandshakeToken(route, request, response, query);
    return async () => {
      caller = await verify();
      requireUse(caller, "stream");
      return caller;
    };
  };
  const client = clientOf(request, route.trusted);
  const gone = new AbortController();
  // A reason of its own, or `abort` would make an error with a stack.
  const leave = (): void => gone.abort("the client left");
  response.once("close", leave);
  const span = beginHandshake(route.edge.tracer, request);
  try {
    requireEventStream(request);
    const handshake = { ...origin, client, signal: gone.signal, span };
    await openStream(route.edge, streamRequest(request, handshake, response, findToken));
    span.set({ "http.response.status_code": 200 });
    span.end();
    return true;
  } catch (thrown) {
    const error = toAppError(thrown);
    endRefused(span, error);
    const person = { tenant: caller?.tenant_id, subject: caller?.sub };
    route.edge.observer.refused(error, { requestId, ...person, ...client, ...traceFactsOf(span.traceparent) });
    refuse(error, route, request, response, { requestId, crowd: caller?.tenant_id ?? "" });
    return false;
  } finally {
    response.off("close", leave);
  }
}

function clientOf(request: IncomingMessage, trusted: TrustedProxies): StreamRequest["client"] {
  const userAgent = request.headers["user-agent"];
  return { address: wholeAddressOf(request, trusted), userAgent: userAgent && cut(userAgent) };
}

/** The beginning of a text, as a text of its own: a slice would keep the whole header in memory, for as long as the stream lives. */
function cut(text: string): string {
  if (text.length <= MAX_USER_AGENT) return text;
  return Buffer.from(text.slice(0, MAX_USER_AGENT), "latin1").toString("latin1");
}

function streamRequest(
  request: IncomingMessage,
  { requestId, address, client, signal, span }: Handshake,
  response: ServerResponse,
  findToken: StreamRequest["findToken"],
): StreamRequest {
  const { headers, socket } = request;
  return {
    id: requestId,
    traceparent: span.traceparent,
    signal,
    lastEventId: single(headers["last-event-id"]),
    address,
    client,
    takeQuery: () => takeQuery(request),
    findToken,
    isGone: () => socket.destroyed,
    accept(connectionId) {
      const coding = chooseBodyCoding(request);
      const head = acceptanceOf(connectionId, requestId, response, coding);
      return new SocketConnection(takeSocket(request), coding, Buffer.from(head));
    },
  };
}

/** Browsers may name a trace of theirs; whether it is recorded is ours to say. */
function beginHandshake(tracer: Tracer, { headers }: IncomingMessage): Span {
  return tracer.begin("GET /v1/stream", {
    kind: "server",
    parent: traceparentOf(headers["traceparent"]),
    trust: "stranger",
    attributes: { "http.request.method": "GET", "http.route": "/v1/stream" },
  });
}

function endRefused(span: Span, { code }: AppError): void {
  const status = httpStatusOf[code];
  span.set({ "http.response.status_code": status, "sluice.error.code": code });
  span.end(status >= 500 ? code : undefined);
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
  { requestId, crowd }: { readonly requestId: string; readonly crowd: string },
): void {
  if (request.socket.destroyed) return;
  if (error.busy === undefined) return sendProblem(response, error, requestId);
  const retryMs = edge.retryDelays.forRefused(crowd, shortageOf(edge));
  const { code, message, cause, busy: reason } = error;
  if (request.headers["x-sluice-client"] !== undefined) {
    const retryAfterSeconds = Math.max(error.retryAfterSeconds ?? 0, Math.ceil(retryMs / 1_000));
    return sendProblem(response, new AppError(code, message, { cause, busy: reason, retryAfterSeconds }), requestId);
  }
  const frame = formatControl("busy", { reason, detail: message, retryMs });
  // A text of a known length leaves together with the head, in one write.
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "content-length": Buffer.byteLength(frame),
    connection: "close",
  });
  response.end(frame);
}

function shortageOf({ admission, overload }: Edge): Shortage {
  if (overload.isRefusing) return "time";
  return admission.pressure >= 1 ? "places" : "none";
}

function requireEventStream(request: IncomingMessage): void {
  if (new Negotiator(request).mediaType(EVENT_STREAM) !== undefined) return;
  throw new AppError("not_acceptable", "this is an event stream: send Accept: text/event-stream");
}
