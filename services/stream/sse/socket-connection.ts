import type { Socket } from "node:net";
import type { BodyCoding } from "./body-coding.ts";

/** Bytes that a client may send after its request: an extra line end, an empty body. */
const MAX_IGNORED_BYTES = 4_096;

/** When a client that has closed its side is probed. Most round trips are shorter than these waits. */
const PROBES_MS = [0, 100, 1_000];

/** After the last frame the client has this long to close, then the socket is reset. */
const LINGER_MS = 1_000;

/** What a connection writes. */
export interface SocketBody {
  readonly coding: BodyCoding;
  /** The response's head, which leaves with the first frames. */
  readonly head: Buffer;
  /** What says nothing to a client that still reads. */
  readonly heartbeat: Buffer;
}

/** A client's bare socket. Owns it: nobody else writes to it or ends it. */
export class SocketConnection {
  readonly #socket: Socket;
  readonly coding: BodyCoding;
  /** The response's head until it is written, in one write with the first frames: two cost an eighth of a handshake. */
  #head: Buffer | undefined;
  readonly #heartbeat: Buffer;
  #ended = false;
  #ignoredBytes = 0;
  /** What earlier answers have written to the socket. */
  readonly #bytesBefore: number;
  /** Resolves when the socket is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** The bytes that the kernel has taken; it stays the same only while the kernel takes none. */
  get progress(): number {
    // Node counts a write when all of it is gone; a large event may take a slow client longer than a stall may last.
    const { _handle } = this.#socket as Socket & { _handle?: { readonly writeQueueSize: number } | null };
    return this.#socket.bytesWritten - this.#socket.writableLength - (_handle?.writeQueueSize ?? 0);
  }

  /** All bytes that were written to the client, as its coding made them. */
  get bytes(): number {
    return this.#socket.bytesWritten - this.#bytesBefore;
  }

  constructor(socket: Socket, { coding, head, heartbeat }: SocketBody) {
    this.#socket = socket;
    this.coding = coding;
    this.#head = head;
    this.#heartbeat = heartbeat;
    this.#bytesBefore = socket.bytesWritten;
    socket.setTimeout(0);
    socket.on("error", ignore);
    socket.on("data", (bytes) => this.#ignore(bytes)).resume();
    if (socket.readableEnded) this.#probe();
    else socket.on("end", () => this.#probe());
    // Not `once`, here and above: its wrappers are 400 bytes for each open stream.
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

  /** Whether the socket takes more; false once 64 KB (Node's own mark) wait in our process, until all of it is gone. */
  get writable(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  /** Whether bytes wait in our process. */
  get behind(): boolean {
    return this.#socket.writableLength > 0;
  }

  write(frames: Buffer): void {
    const head = this.#head;
    this.#head = undefined;
    this.writeCoded(head === undefined ? this.coding.encode(frames) : Buffer.concat([head, this.coding.begin(frames)]));
  }

  /** Writes frames that the connection's coding has encoded already; not the first ones. */
  writeCoded(bytes: Buffer): void {
    if (!this.#ended && this.#socket.writable) this.#socket.write(bytes);
  }

  /** Resolves when the socket is `writable` again, or gone. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (this.writable || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }

  /** Writes a last frame, ends the body and our side, and resets the socket where the client does not close in a second. */
  end(last: Buffer): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.end(this.coding.end(last));
    const timer = setTimeout(() => this.#socket.resetAndDestroy(), LINGER_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** Drops the socket with all that waits in it: `end` would still deliver megabytes from the kernel's buffers. */
  reset(): void {
    this.#ended = true;
    // Of a socket that is gone it would make an error, with its stack: one hundredth of a handshake.
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
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

/** The error has destroyed the socket; `closed` reports that. */
function ignore(): void {}
