import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { BlockList } from "node:net";
import type { TlsOptions } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { z } from "zod";
import type { CallContext } from "#shared/async/call-context.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { decodeUtf8 } from "#shared/json/decode-utf8.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { logAnswer, logRefusal } from "#shared/log/request-log.ts";
import { answerHalfClosed } from "./answer-half-closed.ts";
import { boundSockets, boundTlsSockets } from "./bound-sockets.ts";
import { byForwardedFor, type TrustedProxies, wholeAddressOf } from "./client-address.ts";
import { allowedHeaders, CORS, corsHeaders } from "./cors.ts";
import { answerUnreadableRequests, MAX_HEADER_BYTES } from "./header-limit.ts";
import { isListedOrigin } from "./origin.ts";
import { addApiDescription, type DescribedService } from "./openapi/add-api-description.ts";
import { parseBody } from "./parse-body.ts";
import { problemOf } from "./problem.ts";
import { readTarget } from "./read-target.ts";
import { traceFactsOf } from "#shared/protocol/traceparent.ts";
import { traceRequest } from "./trace-request.ts";
import { noTracer, type Tracer } from "#shared/trace/tracer.ts";
import { addWelcomePage, type Welcome } from "./welcome-page.ts";
import { requestIdOf } from "./request-id.ts";
import type { SocketBudget } from "./socket-budget.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** The request's id, for its answer and the lines about it. */
    requestId: string;
    /** The trace that the request's calls belong to. */
    traceparent: string | undefined;
    /** The person whose token the request carries, once that is verified. */
    caller: { readonly tenant: string; readonly subject: string } | undefined;
    /** Why the request is refused, for the log. */
    refusal: AppError | undefined;
  }
}

/** What a JSON API allows from outside, and says of itself. */
export interface JsonApiLimits {
  /** The largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** The paths of calls that take longer bodies, and limit them themselves. */
  readonly streamedPaths?: RegExp;
  /** Web origins that may call with cookies or tokens; an exact list. */
  readonly allowedOrigins: readonly string[];
  /** Whose word on a client's address lines repeat; without it nobody's but the socket's. */
  readonly trusted?: TrustedProxies;
  /** What stands at its `/`. */
  readonly welcome: Welcome;
  /** The service whose document describes its calls, at `/openapi.json` and as a page; absent where there is none. */
  readonly describedFor?: DescribedService;
}

/**
 * A router whose failures leave as problem documents (RFC 9457), whose answers carry their request's id, whose bodies are
 * limited and whose CORS is an exact list.
 */
export function createJsonApi(
  { maxBodyBytes, streamedPaths, allowedOrigins, trusted = NOBODY_TRUSTED, welcome, describedFor }: JsonApiLimits,
  log: LimitedLog,
  tracer: Tracer = noTracer,
): Hono {
  const api = new Hono();
  // What an answer gets behind `next` goes into its own headers: `c.header` would make a whole Response of it, which costs more than the rest.
  api.use(async (c, next) => {
    c.set("requestId", requestIdOf(c.req.header("x-request-id")));
    const began = performance.now();
    await traceRequest(c, tracer, next);
    c.res.headers.set("x-request-id", c.get("requestId"));
    report(c, log, trusted, began);
  });
  api.use(async (c, next) => {
    // What the router sees has been normalised.
    readTarget(incomingOf(c));
    await next();
  });
  api.use(answerPages(allowedOrigins));
  api.use(methodNotAllowed({ app: api, onMethodNotAllowed: refuseMethod }));
  const limitBody = limitBodies(maxBodyBytes);
  api.use((c, next) => (streamedPaths?.test(c.req.path) === true ? next() : limitBody(c, next)));
  api.use(async (c, next) => {
    await next();
    const { headers } = c.res;
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    headers.set("x-content-type-options", "nosniff");
    if (c.req.method === "HEAD") await dropBody(c);
  });
  if (describedFor === undefined) addWelcomePage(api, welcome);
  else addApiDescription(api, welcome, describedFor);
  api.notFound((c) => problemResponse(c, new AppError("not_found", "there is nothing at this path")));
  api.onError((thrown, c) => problemResponse(c, toAppError(thrown)));
  return api;
}

/** Lets pages of the origins read what is answered, and says to those that ask before what they may send. */
function answerPages(allowedOrigins: readonly string[]): MiddlewareHandler {
  const origin = (asked: string): string | null => (isListedOrigin(asked, allowedOrigins) ? asked : null);
  return async (c, next) => {
    if (c.req.method === "OPTIONS") {
      const allowHeaders = allowedHeaders(c.req.header("access-control-request-headers"));
      return cors({ ...CORS, origin, allowHeaders })(c, next);
    }
    await next();
    const { headers } = c.res;
    headers.append("vary", "origin");
    if (headers.has("access-control-allow-origin")) return undefined;
    const own = corsHeaders(c.req.header("origin"), allowedOrigins);
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    return undefined;
  };
}

/** Nobody reads what answers HEAD: without its end a body that is a stream would go on for ever. */
async function dropBody(c: Context): Promise<void> {
  const { body } = c.res;
  c.res = new Response(null, c.res);
  await body?.cancel();
}

/** Refuses longer bodies, for a call whose bodies have a limit of their own. */
export function limitBodies(maxBodyBytes: number): MiddlewareHandler {
  const refuse = (): never => {
    throw new AppError("body_too_large", `the body may have ${maxBodyBytes} bytes`);
  };
  const limitCounted = bodyLimit({ maxSize: maxBodyBytes, onError: refuse });
  return (c, next) => {
    if (c.req.header("transfer-encoding") !== undefined) return limitCounted(c, next);
    // A body has the bytes that it declares (RFC 9112, section 6.3). To look at it would make a whole Request and begin to read it:
    // where nobody goes on, its rest would stand before the connection's next request.
    return Number(c.req.header("content-length") ?? 0) > maxBodyBytes ? refuse() : next();
  };
}

const limits = { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: MAX_HEADER_BYTES };

/** A server for the API, with limits on connections, headers and bodies. Not yet listening. */
export function createApiServer(api: Hono, sockets: SocketBudget): Server {
  const server = createServer(limits, listenerOf(api));
  boundSockets(server, sockets);
  answerHalfClosed(server);
  answerUnreadableRequests(server);
  return server;
}

/** The same over TLS, with a time limit on the handshake too. */
export function createTlsApiServer(api: Hono, sockets: SocketBudget, tls: TlsOptions): TlsServer {
  const server = createTlsServer({ ...limits, handshakeTimeout: 10_000, ...tls }, listenerOf(api));
  boundTlsSockets(server, sockets);
  answerHalfClosed(server);
  answerUnreadableRequests(server);
  return server;
}

/** Answers the requests of a node:http server by the API. */
export function listenerOf(api: Hono): (request: IncomingMessage, response: ServerResponse) => void {
  // Requests of HTTP/1.0 may have no Host, those of load balancers among them: it stands for theirs.
  const answer = getRequestListener(api.fetch, { hostname: "localhost", errorHandler: refuseUnreadable });
  return (request, response) => void answer(request, response);
}

/**
 * The request's JSON body, checked.
 * @throws {AppError} `malformed_request` naming the first field that is wrong, or where the body is not UTF-8: a name in another
 * encoding would be another name.
 */
export async function readJson<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.infer<Schema>> {
  return parseBody(await readText(c), schema);
}

/** The same; undefined where the request has no body. */
export async function readJsonIfAny<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const text = await readText(c);
  return text === "" ? undefined : parseBody(text, schema);
}

async function readText(c: Context): Promise<string> {
  const text = decodeUtf8(new Uint8Array(await c.req.arrayBuffer()));
  if (text === undefined) throw new AppError("malformed_request", "the body is not UTF-8");
  return text;
}

/** What calls to other services carry that are made for this request. */
export function callContextOf(c: Context): CallContext {
  return { requestId: c.get("requestId"), traceparent: c.get("traceparent") };
}

/** The answer to a method that a path does not have (RFC 9110, section 15.5.6). */
export function refuseMethod(c: Context, allowed: readonly string[]): Response {
  const error = new AppError("method_not_allowed", `use ${allowed.join(" or ")}`);
  return problemResponse(c, error, { allow: [...allowed, "OPTIONS"].join(", ") });
}

/** The answer to a request that does not reach the router: its Host or target makes no URL. */
function refuseUnreadable(): Response {
  const error = new AppError("malformed_request", "the request's Host or its target cannot be read");
  const { status, headers, body } = problemOf(error, requestIdOf(undefined));
  return new Response(body, { status, headers });
}

function incomingOf(c: Context): IncomingMessage {
  return (c.env as { readonly incoming: IncomingMessage }).incoming;
}

/**
 * Logs why a request was refused, or that it was answered; what changes nothing is a line at debug. A client that goes away while its
 * body is read fails it, which is worth no line.
 */
function report(c: Context, log: LimitedLog, trusted: TrustedProxies, began: number): void {
  const refusal = c.get("refusal");
  if (refusal?.code === "internal" && c.req.raw.signal.aborted) return;
  const { method, path } = c.req;
  const request = {
    requestId: c.get("requestId"),
    ...c.get("caller"),
    method,
    path,
    address: wholeAddressOf(c, trusted),
    userAgent: c.req.header("user-agent"),
    ...traceFactsOf(c.get("traceparent")),
  };
  if (refusal !== undefined) logRefusal(log, refusal, request);
  else logAnswer(log, request, { status: c.res.status, ms: Math.round(performance.now() - began) });
}

/** Addresses are the sockets' own. */
const NOBODY_TRUSTED = byForwardedFor(new BlockList());

function problemResponse(c: Context, error: AppError, more: Record<string, string> = {}): Response {
  c.set("refusal", error);
  const { status, headers, body } = problemOf(error, c.get("requestId"));
  // The rest of a refused body is not read: a client that kept the connection would see its next request cut off.
  if (error.code === "body_too_large") headers["connection"] = "close";
  return new Response(body, { status, headers: { ...headers, ...more } });
}
