import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "#shared/errors/app-error.ts";
import { isAnswering } from "./is-answering.ts";
import { problemOf } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";

/** The most of a request line and headers together: a token of 64 KB, and what browsers and proxies send beside it. */
export const MAX_HEADER_BYTES = 96 * 1_024;

/** The bare answers of node:http to what it cannot read as a request. */
const BARE_ANSWERS: Readonly<Record<string, string>> = {
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Makes the server answer headers beyond its limit with a problem document, and other unreadable requests as node:http does. */
export function answerUnreadableRequests(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // As in node:http, an answer under way is not cut into.
    if (error.code === "ECONNRESET" || !socket.writable || isAnswering(socket)) {
      return void socket.destroy(error);
    }
    socket.end(error.code === "HPE_HEADER_OVERFLOW" ? tooLarge() : bareAnswer(error), () => socket.destroy());
  });
}

function bareAnswer({ code = "" }: NodeJS.ErrnoException): string {
  return `HTTP/1.1 ${BARE_ANSWERS[code] ?? "400 Bad Request"}\r\nConnection: close\r\n\r\n`;
}

function tooLarge(): string {
  const message = `the request line and the headers may take ${MAX_HEADER_BYTES} bytes together`;
  const { headers, body } = problemOf(new AppError("too_many_headers", message), requestIdOf(undefined));
  const fields = { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 431 Request Header Fields Too Large\r\n${lines.join("")}\r\n${body}`;
}
