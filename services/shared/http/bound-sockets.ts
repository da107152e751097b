import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketBudget } from "./socket-budget.ts";
import { peerOf, SocketsByPeer } from "./sockets-by-peer.ts";

/** Has the budget hold each connection of the server, and know when it asks for something. */
export function boundSockets(server: Server | TlsServer, sockets: SocketBudget): void {
  // Before node:http's own listener, which may wrap the connection.
  server.prependListener("connection", (socket: Socket) => sockets.add(socket));
  followRequests(server, sockets);
}

/** The same for a server whose connections are decrypted first. */
export function boundTlsSockets(server: TlsServer, sockets: SocketBudget): void {
  const encrypted = new SocketsByPeer();
  server.prependListener("connection", (socket: Socket) => encrypted.add(socket));
  // What decrypts a connection does not say which one it is.
  server.prependListener("secureConnection", (decrypted: TLSSocket) => {
    const socket = encrypted.find(peerOf(decrypted));
    if (socket !== undefined) sockets.alias(socket, decrypted);
  });
  boundSockets(server, sockets);
}

/** Tells the budget when a connection asks for something whole, and when it has been answered. */
export function followRequests(server: Server | TlsServer, sockets: SocketBudget): void {
  server.prependListener("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const answers = (): void => sockets.answers(socket);
    // A body that trickles in is half a request.
    if (hasBody(request)) request.once("end", answers);
    else answers();
    response.once("close", () => {
      if (!socket.destroyed) sockets.waits(socket);
    });
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
