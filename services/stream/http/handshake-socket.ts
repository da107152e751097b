import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { followRequests } from "#shared/http/bound-sockets.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { parseProxyHeader } from "./proxy-header.ts";

/**
 * The stream that node:http reads requests from and writes answers to, instead of the socket. A stream takes the socket out
 * of it. Then all that node:http keeps for a connection (parser, request, response, listeners) is freed: 11 KB of resident
 * memory for each open stream.
 */
class HandshakeSocket extends Duplex {
  #socket: Socket | undefined;
  /** What has come of a header of the PROXY protocol; undefined where none is expected any more. */
  #header: Buffer | undefined;
  #client: string | undefined;
  readonly #forward = {
    data: (chunk: Buffer): void => {
      const bytes = this.#header === undefined ? chunk : this.#readHeader(this.#header, chunk);
      if (bytes.length > 0 && !this.push(bytes)) this.#socket?.pause();
    },
    end: (): void => void this.push(null),
    timeout: (): void => void this.emit("timeout"),
    error: (error: Error): void => void this.destroy(error),
    close: (): void => void this.destroy(),
  };

  constructor(socket: Socket, expectsProxyHeader: boolean) {
    super();
    this.#socket = socket;
    if (expectsProxyHeader) this.#header = Buffer.alloc(0);
    for (const [event, forward] of Object.entries(this.#forward)) socket.on(event, forward);
  }

  /** The peer's address; behind a proxy that speaks the PROXY protocol its client's. */
  get remoteAddress(): string | undefined {
    return this.#client ?? this.#socket?.remoteAddress;
  }

  /** Takes the socket out, for the caller to own; node:http sees its connection close. */
  release(): Socket {
    const socket = this.#socket;
    if (socket === undefined) throw new Error("this socket has been taken before");
    this.#socket = undefined;
    for (const [event, forward] of Object.entries(this.#forward)) socket.off(event, forward);
    this.destroy();
    return socket;
  }

  /** node:http limits with it how long a connection may idle between two requests. */
  setTimeout(ms: number): this {
    this.#socket?.setTimeout(ms);
    return this;
  }

  /** Ends our side and lets go, as net.Socket does: node:http calls it after a last answer, and the client may never close. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  /** Reads a header of the PROXY protocol, and answers what comes behind it. */
  #readHeader(before: Buffer, chunk: Buffer): Buffer {
    const bytes = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
    const header = parseProxyHeader(bytes);
    if (header === "incomplete") this.#header = bytes;
    if (header === "invalid") this.destroy();
    if (typeof header === "string") return Buffer.alloc(0);
    this.#header = undefined;
    this.#client = header.client;
    return bytes.subarray(header.length);
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket?.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket?.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.destroy();
    done(error);
  }
}

/** Takes a new connection, or lets it go on to node:http. */
export type HandshakeTaker = (socket: Socket, goOn: () => void) => void;

/** What happens to a connection before node:http has it. */
export interface HandshakeOptions {
  /** Whether a header of the PROXY protocol is expected first; without one the connection is closed. */
  readonly speaksProxy: (socket: Socket) => boolean;
  readonly take: HandshakeTaker;
}

/**
 * Makes the server read each connection through a HandshakeSocket, from which `takeSocket` gets the bare one. The budget holds
 * each from its beginning to its end; one that became a stream never waits again.
 */
export function readThroughHandshakeSockets(
  server: Server,
  sockets: SocketBudget,
  { speaksProxy, take }: HandshakeOptions = { speaksProxy: () => false, take: (_, goOn) => goOn() },
): void {
  const [serve, ...others] = server.listeners("connection");
  // node:http serves a connection in this event's listener; no other listener may serve it as well.
  if (serve === undefined || others.length > 0) throw new Error("node:http listens for connections in another way");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    if (socket.destroyed) return;
    const serveThrough = (handshake: HandshakeSocket): void => {
      sockets.alias(socket, handshake);
      serve.call(server, handshake);
    };
    if (speaksProxy(socket)) return serveThrough(new HandshakeSocket(socket, true));
    take(socket, () => serveThrough(new HandshakeSocket(socket, false)));
  });
  followRequests(server, sockets);
}

/** The request's bare socket: node:http keeps nothing of it, and reads nothing from it any more. */
export function takeSocket(request: IncomingMessage): Socket {
  const { socket } = request;
  if (!(socket instanceof HandshakeSocket)) throw new Error("this request did not come through a handshake socket");
  // node:http sees the connection close and would abort the request: events, and an error whose stack is written out.
  request.destroy = () => request;
  return socket.release();
}
