import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { corsHeaders } from "#shared/http/cors.ts";
import { traceFactsOf, traceparentOf } from "#shared/protocol/traceparent.ts";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import type { Span, Tracer } from "#shared/trace/tracer.ts";
import { sendProblem } from "#shared/http/send-problem.ts";
import type { StreamRequest } from "../connections/stream-request.ts";
import { type Edge, openStream } from "../open-stream.ts";
import type { Shortage } from "../sse/retry-delay.ts";
import type { TrustedProxies } from "#shared/http/client-address.ts";
import { wholeAddressOf } from "./caller-address.ts";
import { chooseRoad } from "./roads/choose-road.ts";
import type { ChosenRoad, Exchange, Road } from "./roads/road.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { knownAsker, offerTransports } from "./offer-transports.ts";
import { type HandshakePath, VARY } from "./stream-headers.ts";
import { takeQuery } from "./take-query.ts";
import { findHandshakeToken, type TokenReading } from "./request-token.ts";
import { single } from "#shared/http/single-header.ts";

/** The edge, how the route reads tokens, and whose word on a client's address it believes. */
export interface StreamRoute extends TokenReading {
  readonly trusted: TrustedProxies;
  readonly edge: Edge;
}

/** How much of a `User-Agent` is kept. */
const MAX_USER_AGENT = 256;

/** A request's path and id, and where it comes from. */
interface RequestOrigin {
  readonly path: HandshakePath;
  readonly address: string | undefined;
  readonly requestId: string;
}

/** What a request for a stream is read with. */
interface Handshake extends RequestOrigin, ChosenRoad, Pick<StreamRequest, "client" | "signal" | "transport"> {
  /** The span that its calls are made within. */
  readonly span: Span;
}

/** Serves `GET /v1/stream`, and by another choice of road `GET /v1/poll`; answers whether a stream has begun, which has taken the answer. */
export async function serveStream(
  route: StreamRoute,
  request: IncomingMessage,
  response: ServerResponse,
  origin: RequestOrigin,
  choose: (request: IncomingMessage) => Road = chooseRoad,
): Promise<boolean> {
  const { requestId } = origin;
  const cors = corsHeaders(request.headers.origin, route.allowedOrigins);
  response.setHeaders(new Map(Object.entries({ "x-request-id": requestId, vary: VARY, ...cors })));
  let caller: VerifiedClaims | undefined;
  let clientId: string | undefined;
  const offer = (): void => offerTransports(route.edge, response, knownAsker(route.edge, caller, clientId));
  const findToken = (query: URLSearchParams, tokens?: readonly string[]) => {
    clientId = query.get("client") ?? undefined;
    const verify = findHandshakeToken(route, exchange, { query, tokens, address: origin.address });
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
  const span = beginHandshake(route.edge.tracer, request, origin.path);
  const exchange = { request, response, requestId };
  let road: Road | undefined;
  try {
    road = choose(request);
    const { transport } = road;
    const taken = offering(road.take(exchange), offer);
    const handshake = { ...origin, ...taken, transport, client, signal: gone.signal, span };
    await openStream(
      route.edge,
      streamRequest(request, handshake, (query) => findToken(query, handshake.tokens)),
    );
    span.set({ "http.response.status_code": road.status });
    span.end();
    return true;
  } catch (thrown) {
    const error = toAppError(thrown);
    endRefused(span, error);
    const person = { tenant: caller?.tenant_id, subject: caller?.sub };
    route.edge.observer.refused(error, { requestId, ...person, ...client, ...traceFactsOf(span.traceparent) });
    offer();
    const crowd = caller === undefined ? "" : route.edge.nameOf(caller.tenant_id);
    refuse(error, route.edge, exchange, { road, crowd });
    return false;
  } finally {
    response.off("close", leave);
  }
}

/** A road whose answer says which transports are on. */
function offering<Taken extends ChosenRoad>(road: Taken, offer: () => void): Taken {
  const accept: ChosenRoad["accept"] = (id, subscription) => {
    offer();
    return road.accept(id, subscription);
  };
  return { ...road, accept };
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
  { requestId, address, client, signal, span, path: _path, ...road }: Handshake,
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
    ...road,
  };
}

/** Browsers may name a trace of theirs; whether it is recorded is ours to say. */
function beginHandshake(tracer: Tracer, { headers }: IncomingMessage, path: string): Span {
  return tracer.begin(`GET ${path}`, {
    kind: "server",
    parent: traceparentOf(headers["traceparent"]),
    trust: "stranger",
    attributes: { "http.request.method": "GET", "http.route": path },
  });
}

function endRefused(span: Span, { code }: AppError): void {
  const status = httpStatusOf[code];
  span.set({ "http.response.status_code": status, "sluice.error.code": code });
  span.end(status >= 500 ? code : undefined);
}

/** Sends a refusal. What is refused for now is a frame of its road for clients that cannot read the plain status. */
function refuse(
  error: AppError,
  edge: Edge,
  exchange: Exchange,
  { road, crowd }: { readonly road: Road | undefined; readonly crowd: string },
): void {
  const { request, response, requestId } = exchange;
  if (request.socket.destroyed) return;
  if (error.busy === undefined || road === undefined) return sendProblem(response, error, requestId);
  const retryMs = edge.retryDelays.forRefused(crowd, shortageOf(edge));
  const { code, message, cause, busy: reason } = error;
  if (!road.readsStatus(request)) {
    return road.answerBusy(exchange, { reason, detail: message, retryMs });
  }
  const retryAfterSeconds = Math.max(error.retryAfterSeconds ?? 0, Math.ceil(retryMs / 1_000));
  sendProblem(response, new AppError(code, message, { cause, busy: reason, retryAfterSeconds }), requestId);
}

function shortageOf({ admission, overload }: Edge): Shortage {
  if (overload.isRefusing) return "time";
  return admission.pressure >= 1 ? "places" : "none";
}
