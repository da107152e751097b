import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { AppError } from "#shared/errors/app-error.ts";
import { isListedOrigin } from "#shared/http/origin.ts";
import type { DemoPage } from "./demo-page.ts";
import { readThroughHandshakeSockets } from "./handshake-socket.ts";
import { type RebindRoute, rebindTarget, serveRebind } from "./rebind-route.ts";
import { serveStream, type StreamRoute } from "./stream-route.ts";
import { tellProblem } from "./tell-problem.ts";

/** The most of a request line and headers together; cookies of large products fit, a flood does not. */
const MAX_HEADER_BYTES = 32 * 1024;

/** A request with more is refused: node:http would drop what is beyond, and with it a token. */
const MAX_HEADERS = 100;

/** What the edge's public port serves. */
export interface EdgeServerDeps {
  readonly route: StreamRoute;
  readonly rebind: RebindRoute;
  /** The demo's page; undefined outside the demo. */
  readonly demo: DemoPage | undefined;
}

/** The edge's public HTTP server; not yet listening. */
export function createEdgeServer(deps: EdgeServerDeps): Server {
  const streaming = new WeakSet<Socket>();
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAlive: true, noDelay: true, connectionsCheckingInterval: 5_000 },
    (request, response) => {
      // A stream takes its socket for good: the answer to a request sent behind it would stand in the middle of it.
      if (streaming.has(request.socket)) return void request.socket.destroy();
      handle(deps, streaming, request, response).catch((error: unknown) => {
        deps.route.edge.observer.fault(error);
        request.socket.destroy();
      });
    },
  );
  readThroughHandshakeSockets(server);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 0;
  return server;
}

async function handle(
  deps: EdgeServerDeps,
  streaming: WeakSet<Socket>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.rawHeaders.length > 2 * MAX_HEADERS) {
    return tellProblem(response, new AppError("too_many_headers", `a request may have ${MAX_HEADERS} headers`));
  }
  const url = parseUrl(request.url);
  if (url === undefined)
    return tellProblem(response, new AppError("malformed_request", "the request's path is malformed"));
  allowOrigin(deps.route.allowedOrigins, request, response);
  if (request.method === "OPTIONS") return preflight(response);
  const isStream = url.pathname === "/v1/stream";
  if (request.method !== "GET" && (isStream || deps.demo?.has(url.pathname) === true)) {
    response.setHeader("allow", "GET, OPTIONS");
    return tellProblem(response, new AppError("method_not_allowed", "use GET"));
  }
  const rebound = rebindTarget(url.pathname);
  if (rebound !== undefined) return serveRebind(deps.rebind, rebound, request, response, url.searchParams);
  if (isStream) {
    streaming.add(request.socket);
    const hasBegun = await serveStream(deps.route, request, response, url.searchParams);
    if (!hasBegun) streaming.delete(request.socket);
    return;
  }
  if (deps.demo?.has(url.pathname) === true) return deps.demo.serve(url.pathname, response);
  return tellProblem(response, new AppError("not_found", "there is nothing at this path"));
}

function parseUrl(target: string | undefined): URL | undefined {
  const base = "http://edge";
  return target?.startsWith("/") === true && URL.canParse(base + target) ? new URL(base + target) : undefined;
}

/** CORS by an exact list; caches must not give one page's answer to another, nor one person's. */
function allowOrigin(allowed: readonly string[], { headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("vary", "Origin, Cookie, Authorization, X-Auth-Token, Accept-Encoding");
  if (headers.origin === undefined || !isListedOrigin(headers.origin, allowed)) return;
  response.setHeader("access-control-allow-origin", headers.origin);
  response.setHeader("access-control-allow-credentials", "true");
  response.setHeader("access-control-expose-headers", "X-Connection-ID, X-Request-ID, X-Access-Token-Renewed");
}

function preflight(response: ServerResponse): void {
  response.setHeader("access-control-allow-methods", "GET, POST");
  // EventSource's own reconnect needs last-event-id: without it a cross-origin stream never comes back.
  response.setHeader(
    "access-control-allow-headers",
    "authorization, x-auth-token, last-event-id, cache-control, content-type",
  );
  response.setHeader("access-control-max-age", "600");
  response.writeHead(204).end();
}
