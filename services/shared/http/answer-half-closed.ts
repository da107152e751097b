import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { isAnswering } from "./is-answering.ts";

/**
 * Has the server answer clients that close their side of the connection behind their request, as `nc -N` does; node:http would
 * close it, and what was asked for would be done unanswered. A client that closes its side while it is answered has left.
 */
export function answerHalfClosed(server: Server): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("connection", endWhileAnswered).on("secureConnection", endWhileAnswered);
}

function endWhileAnswered(socket: Duplex): void {
  socket.on("end", () => {
    if (isAnswering(socket)) socket.end();
  });
}
