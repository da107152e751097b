import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { LastWord } from "../event.ts";
import { identity } from "../sse/content-coding.ts";
import { SocketWriter } from "../sse/socket-writer.ts";
import { closeCodeOf, FAULT_CODE, MESSAGE_CODE } from "./close-code.ts";

/** A client that answers no ping until the next one is gone, whatever a proxy in between still takes for it. */
const PING_MS = 25_000;

/** Messages that a client may send, though nobody reads them: some libraries greet, or keep alive by a message of their own. */
const MAX_MESSAGES = 16;

/** Pings of a client that are answered between two of ours. */
const MAX_PINGS = 32;

/**
 * What a client may send between two pings of ours: three times its messages and the pings that are answered. To read frames that
 * ask for nothing (pongs, empty parts of a message) takes all of a core, as long as a client sends them.
 */
const MAX_BYTES = 64 * 1_024;

/**
 * A client's WebSocket. Its messages come framed already, the same bytes for all clients, and go straight to the socket: `ws` writes
 * nothing but pings, pongs and the close frame, each at once, so that all of it is in order.
 */
export class WebSocketConnection {
  /** Messages are encoded, and compressed, where their events are. */
  readonly coding = identity;
  readonly #out: SocketWriter;
  readonly #webSocket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  #messages = 0;
  #pings = 0;
  /** What the socket had received at our last ping. */
  #bytesBefore: number;
  #isAlive = true;

  constructor(webSocket: WebSocket, socket: Socket, pingMs = PING_MS) {
    this.#out = new SocketWriter(socket);
    this.#webSocket = webSocket;
    this.#bytesBefore = socket.bytesRead;
    // Before the reader of frames has them.
    socket.prependListener("data", () => this.#countBytes(socket));
    this.#timer = setInterval(() => {
      this.#bytesBefore = socket.bytesRead;
      this.#ping();
    }, pingMs);
    webSocket.on("pong", () => (this.#isAlive = true));
    webSocket.on("ping", (payload) => this.#pong(payload));
    webSocket.on("message", () => this.#refuseMessage());
    // It has closed the connection by the code of what was wrong.
    webSocket.on("error", ignore);
    void this.closed.then(() => clearInterval(this.#timer));
  }

  get closed(): Promise<void> {
    return this.#out.closed;
  }

  get progress(): number {
    return this.#out.progress;
  }

  get bytes(): number {
    return this.#out.bytes;
  }

  get writable(): boolean {
    return this.#out.writable;
  }

  get behind(): boolean {
    return this.#out.behind;
  }

  write(frames: Buffer): void {
    this.writeCoded(frames);
  }

  writeCoded(bytes: Buffer): void {
    // Behind a close frame nothing may come (RFC 6455, section 5.5.1).
    if (this.#isOpen) this.#out.write(bytes);
  }

  drained(): Promise<void> {
    return this.#out.drained();
  }

  /** Writes a last frame and the close frame; the client answers that one, then the connection is closed. */
  end(last: Buffer, word: LastWord): void {
    if (this.#out.isEnded) return;
    this.writeCoded(last);
    this.#out.end(() => this.#webSocket.close(closeCodeOf(word), word.reason));
  }

  reset(): void {
    this.#out.reset();
  }

  /** A close frame behind all that waits would come late: a client that is behind is reset. */
  fail(): void {
    if (this.behind || this.#out.isEnded) return this.reset();
    this.#out.end(() => this.#webSocket.close(FAULT_CODE, "internal"));
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #ping(): void {
    if (!this.#isAlive && !this.behind) return this.reset();
    this.#pings = 0;
    // A client that is behind gets it behind all that waits: whether it takes that is looked after elsewhere.
    if (!this.#isOpen || this.behind) return;
    this.#isAlive = false;
    this.#webSocket.ping();
  }

  #countBytes({ bytesRead }: Socket): void {
    if (bytesRead - this.#bytesBefore > MAX_BYTES) this.reset();
  }

  /** A client that asks and does not read would fill our memory with answers. */
  #pong(payload: Buffer): void {
    this.#pings += 1;
    if (this.#pings > MAX_PINGS) this.#webSocket.close(MESSAGE_CODE, "too many pings");
    else if (this.#isOpen && this.writable) this.#webSocket.pong(payload);
  }

  #refuseMessage(): void {
    this.#messages += 1;
    if (this.#messages > MAX_MESSAGES) this.#webSocket.close(MESSAGE_CODE, "send nothing here");
  }
}

function ignore(): void {}
