import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { TlsOptions } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { z } from "zod";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { CORS } from "./cors.ts";
import { isListedOrigin } from "./origin.ts";
import { parseBody } from "./parse-body.ts";
import { problemOf } from "./problem.ts";

/** What a JSON API allows from outside. */
export interface JsonApiLimits {
  /** The largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** The paths of calls that read longer bodies piece by piece, and limit them themselves. */
  readonly streamedPaths?: RegExp;
  /** Web origins that may call with cookies or tokens; an exact list. */
  readonly allowedOrigins: readonly string[];
}

/** A router whose failures leave as problem documents (RFC 9457), whose bodies are limited and whose CORS is an exact list. */
export function createJsonApi(
  { maxBodyBytes, streamedPaths, allowedOrigins }: JsonApiLimits,
  log: Pick<Logger, "error">,
): Hono {
  const api = new Hono();
  api.use(cors({ ...CORS, origin: (origin) => (isListedOrigin(origin, allowedOrigins) ? origin : null) }));
  api.use(methodNotAllowed({ app: api, onMethodNotAllowed: (_, allowed) => refuseMethod(allowed) }));
  const limitBody = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new AppError("body_too_large", `the body may have ${maxBodyBytes} bytes`);
    },
  });
  api.use((c, next) => (streamedPaths?.test(c.req.path) === true ? next() : limitBody(c, next)));
  api.use(async (c, next) => {
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
    c.header("x-content-type-options", "nosniff");
  });
  api.notFound(() => problemResponse(new AppError("not_found", "there is nothing at this path")));
  api.onError((thrown, c) => {
    const error = toAppError(thrown);
    // A client that goes away while its body is read fails it: its own affair, and not worth a line of the log.
    const isGone = c.req.raw.signal.aborted;
    if (error.code === "internal" && !isGone) log.error({ err: error.cause }, "a request failed in an unexpected way");
    return problemResponse(error);
  });
  return api;
}

const timeLimits = { headersTimeout: 10_000, requestTimeout: 30_000 };

/** A server for the API, with time limits on headers and bodies. Not yet listening. */
export function createApiServer(api: Hono): Server {
  return createServer(timeLimits, listenerOf(api));
}

/** The same over TLS, with a time limit on the handshake too. */
export function createTlsApiServer(api: Hono, tls: TlsOptions): TlsServer {
  return createTlsServer({ ...timeLimits, handshakeTimeout: 10_000, ...tls }, listenerOf(api));
}

/** Answers the requests of a node:http server by the API. */
export function listenerOf(api: Hono): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = getRequestListener(api.fetch);
  return (request, response) => void answer(request, response);
}

/**
 * The request's JSON body, checked.
 * @throws {AppError} `malformed_request` naming the first field that is wrong.
 */
export async function readJson<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.infer<Schema>> {
  return parseBody(await c.req.text(), schema);
}

/** The answer to a method that a path does not have (RFC 9110, section 15.5.6). */
export function refuseMethod(allowed: readonly string[]): Response {
  const error = new AppError("method_not_allowed", `use ${allowed.join(" or ")}`);
  return problemResponse(error, { allow: [...allowed, "OPTIONS"].join(", ") });
}

function problemResponse(error: AppError, more: Record<string, string> = {}): Response {
  const { status, headers, body } = problemOf(error);
  // The rest of a refused body is not read: a client that kept the connection would see its next request cut off.
  if (error.code === "body_too_large") headers["connection"] = "close";
  return new Response(body, { status, headers: { ...headers, ...more } });
}
