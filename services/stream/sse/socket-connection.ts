import type { Socket } from "node:net";
import type { BodyCoding } from "./body-coding.ts";
import { SocketWriter } from "./socket-writer.ts";

/** Bytes that a client may send after its request: an extra line end, an empty body. */
const MAX_IGNORED_BYTES = 4_096;

/** When a client that has closed its side is probed. Most round trips are shorter than these waits. */
const PROBES_MS = [0, 100, 1_000];

const NOTHING = Buffer.alloc(0);

/** What a connection writes. */
export interface SocketBody {
  readonly coding: BodyCoding;
  /** The response's head, which leaves with the first frames. */
  readonly head: Buffer;
  /** What says nothing to a client that still reads. */
  readonly heartbeat: Buffer;
}

/** A response's body without an end, on a client's bare socket. Owns it: nobody else writes to it or ends it. */
export class SocketConnection {
  readonly #out: SocketWriter;
  readonly coding: BodyCoding;
  /** The response's head until it is written, in one write with the first frames: two cost an eighth of a handshake. */
  #head: Buffer | undefined;
  readonly #heartbeat: Buffer;
  #ignoredBytes = 0;

  constructor(socket: Socket, { coding, head, heartbeat }: SocketBody) {
    this.#out = new SocketWriter(socket);
    this.coding = coding;
    this.#head = head;
    this.#heartbeat = heartbeat;
    socket.on("data", (bytes) => this.#ignore(bytes)).resume();
    if (socket.readableEnded) this.#probe();
    else socket.on("end", () => this.#probe());
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
    this.writeCoded(this.#begin(frames) ?? this.coding.encode(frames));
  }

  /** Writes frames that the connection's coding has encoded already; not the first ones. */
  writeCoded(bytes: Buffer): void {
    this.#out.write(bytes);
  }

  drained(): Promise<void> {
    return this.#out.drained();
  }

  /** Writes a last frame, and ends the body and our side. */
  end(last: Buffer): void {
    if (this.#out.isEnded) return;
    const begun = this.#begin(last);
    const bytes = begun === undefined ? this.coding.end(last) : Buffer.concat([begun, this.coding.end(NOTHING)]);
    this.#out.end((socket) => socket.end(bytes));
  }

  reset(): void {
    this.#out.reset();
  }

  fail(): void {
    this.reset();
  }

  /** The head, and frames as a body begins with them; undefined where it has begun. */
  #begin(frames: Buffer): Buffer | undefined {
    const head = this.#head;
    this.#head = undefined;
    return head && Buffer.concat([head, this.coding.begin(frames)]);
  }

  /** A client sends nothing after its request: the answer to a second one would be inside the stream. */
  #ignore(bytes: Buffer): void {
    this.#ignoredBytes += bytes.length;
    if (this.#ignoredBytes > MAX_IGNORED_BYTES) this.reset();
  }

  /**
   * Finds out whether a client that has closed its side still reads. A client that is gone answers a write with a reset,
   * which the kernel reports at the next write.
   */
  #probe(): void {
    for (const ms of PROBES_MS) setTimeout(() => this.writeCoded(this.coding.encode(this.#heartbeat)), ms);
  }
}
