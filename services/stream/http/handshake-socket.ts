import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * The stream that node:http reads requests from and writes answers to, instead of the socket. A stream takes the socket out
 * of it. Then all that node:http keeps for a connection (parser, request, response, listeners) is freed: 11 KB of resident
 * memory for each open stream.
 */
class HandshakeSocket extends Duplex {
  #socket: Socket | undefined;
  readonly #forward = {
    data: (chunk: Buffer): void => {
      if (!this.push(chunk)) this.#socket?.pause();
    },
    end: (): void => void this.push(null),
    timeout: (): void => void this.emit("timeout"),
    error: (error: Error): void => void this.destroy(error),
    close: (): void => void this.destroy(),
  };

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    for (const [event, forward] of Object.entries(this.#forward)) socket.on(event, forward);
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

/** Makes the server read each connection through a HandshakeSocket, from which `takeSocket` gets the bare one. */
export function readThroughHandshakeSockets(server: Server): void {
  const [serve, ...others] = server.listeners("connection");
  // node:http serves a connection in this event's listener; no other listener may serve it as well.
  if (serve === undefined || others.length > 0) throw new Error("node:http listens for connections in another way");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => void serve.call(server, new HandshakeSocket(socket)));
}

/** The request's bare socket: node:http keeps nothing of it, and reads nothing from it any more. */
export function takeSocket(request: IncomingMessage): Socket {
  const { socket } = request;
  if (!(socket instanceof HandshakeSocket)) throw new Error("this request did not come through a handshake socket");
  // node:http sees the connection close and would abort the request: events, and an error whose stack is written out.
  request.destroy = () => request;
  return socket.release();
}
