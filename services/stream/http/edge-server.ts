import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { toAppError } from "#shared/errors/app-error.ts";
import { isProxy } from "#shared/http/client-address.ts";
import { answerUnreadableRequests, MAX_HEADER_BYTES } from "#shared/http/header-limit.ts";
import { listenerOf } from "#shared/http/json-api.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { sendProblem } from "#shared/http/send-problem.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { readThroughHandshakeSockets } from "./handshake-socket.ts";
import { readTarget } from "#shared/http/read-target.ts";
import { callerAddressOf } from "./caller-address.ts";
import { type Door, type DoorOfIssuer, pickDoor } from "./door.ts";
import { originForm } from "./origin-form.ts";
import { servePoll } from "./poll-route.ts";
import { queuePolls } from "./queue-polls.ts";
import { HANDSHAKE_PATHS, type HandshakePath, POLL_PATH, STREAM_PATH } from "./stream-headers.ts";
import { serveStream } from "./stream-route.ts";
import { createEarlyRefusals, knock, turnAway } from "./turn-away.ts";

/** What the edge's public port serves. */
export interface EdgeServerDeps {
  /** The own home's door, at which everybody is counted. */
  readonly own: Door;
  /** Undefined where there is no other home. */
  readonly doorOf: DoorOfIssuer | undefined;
  /** Whether trusted proxies begin each connection with a header of the PROXY protocol. */
  readonly speaksProxy: boolean;
  readonly sockets: SocketBudget;
}

const OPTIONS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  // For the streams that their sockets become: as the server's options they cost no call of their own.
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  connectionsCheckingInterval: 5_000,
};

/** The edge's public HTTP server; not yet listening. */
export function createEdgeServer({ own, doorOf, speaksProxy, sockets }: EdgeServerDeps): Server {
  const streaming = new WeakSet<Socket>();
  const waitForTurn = queuePolls();
  const { route } = own;
  const answerByApi = answersByDoor();
  const server = createServer(OPTIONS, function serve(request, response): void {
    // A stream keeps its socket: the answer to a later request would be inside the stream.
    if (streaming.has(request.socket)) return void request.socket.destroy();
    const path = handshakePathOf(request);
    if (response.socket === null && path !== undefined) {
      // A response without a socket waits for an earlier one: the stream would be taken for that answer.
      if (path === STREAM_PATH) return void request.socket.destroy();
      return waitForTurn(request, response, () => serve(request, response));
    }
    const address = path && callerAddressOf(request, route.trusted);
    // Before anything else is looked at: in a flood this is all that most requests may cost.
    const refused = path && knock(route.edge, address, path);
    if (refused !== undefined) return turnAway(route, request, refused);
    const target = targetOf(request);
    const requestId = requestIdOf(request.headers["x-request-id"]);
    if (!(target instanceof URL)) {
      const refusal = toAppError(target.refusal);
      route.edge.observer.refused(refusal, { requestId, method: request.method });
      return sendProblem(response, refusal, requestId);
    }
    const { pathname } = target;
    const door = doorOf === undefined ? own : pickDoor(request, own, doorOf);
    if (request.method !== "GET" || (pathname !== STREAM_PATH && pathname !== POLL_PATH)) {
      return answerByApi(door, request, response);
    }
    const fail = (error: unknown): void => {
      route.edge.observer.refused(toAppError(error), { requestId });
      request.socket.destroy();
    };
    if (pathname === POLL_PATH) {
      servePoll(door.route, request, response, { requestId, address }).catch(fail);
      return;
    }
    const { socket } = request;
    streaming.add(socket);
    serveStream(door.route, request, response, { path: STREAM_PATH, requestId, address }).then(
      (hasBegun) => void (hasBegun || streaming.delete(socket)),
      fail,
    );
  });
  readThroughHandshakeSockets(server, sockets, {
    speaksProxy: ({ remoteAddress = "" }) => speaksProxy && isProxy(remoteAddress, route.trusted.proxies),
    take: createEarlyRefusals(route),
  });
  answerUnreadableRequests(server);
  return Object.assign(server, {
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    // `readTarget` refuses a request with too many; node:http would drop what is beyond, and with it a token.
    maxHeadersCount: 0,
    // A client that closes its side after its request still reads its answer.
    httpAllowHalfOpen: true,
  });
}

/** Answers what is no stream, by the API of each door. */
function answersByDoor(): (door: Door, ...exchange: Parameters<RequestListener>) => void {
  const listeners = new WeakMap<Door, RequestListener>();
  return (door, ...exchange) => {
    const listener = listeners.get(door) ?? listenerOf(door.api);
    listeners.set(door, listener);
    listener(...exchange);
  };
}

/** The path of a request that is a handshake; undefined for any other. */
function handshakePathOf({ method, url }: IncomingMessage): HandshakePath | undefined {
  if (method !== "GET") return undefined;
  const target = originForm(url);
  return HANDSHAKE_PATHS.find(
    (path) => target.startsWith(path) && (target.length === path.length || target[path.length] === "?"),
  );
}

function targetOf(request: IncomingMessage): URL | { readonly refusal: unknown } {
  try {
    return readTarget(request);
  } catch (refusal) {
    return { refusal };
  }
}
