import type { Socket } from "node:net";

/** After the last frame the client has this long to close, then the socket is reset. */
const LINGER_MS = 1_000;

/** What a connection writes to: a client's bare socket. Owns it: nobody else resets it. */
export class SocketWriter {
  readonly #socket: Socket;
  /** What earlier answers have written to the socket. */
  readonly #bytesBefore: number;
  /** Resolves when the socket is gone, whoever ended it. */
  readonly closed: Promise<void>;
  /** Nothing more is written. */
  isEnded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#bytesBefore = socket.bytesWritten;
    socket.setTimeout(0);
    socket.on("error", ignore);
    // Not `once`: its wrapper is 400 bytes for each open stream.
    this.closed = new Promise((resolve) => socket.on("close", () => resolve()));
  }

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

  /** Whether the socket takes more; false once 64 KB (Node's own mark) wait in our process, until all of it is gone. */
  get writable(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  /** Whether bytes wait in our process. */
  get behind(): boolean {
    return this.#socket.writableLength > 0;
  }

  write(bytes: Buffer): void {
    if (!this.isEnded && this.#socket.writable) this.#socket.write(bytes);
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

  /** Ends in good order, by what says so to the client; resets the socket where the client does not close in a second. */
  end(sayBye: (socket: Socket) => void): void {
    this.isEnded = true;
    sayBye(this.#socket);
    const timer = setTimeout(() => this.#socket.resetAndDestroy(), LINGER_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** Drops the socket with all that waits in it: `end` would still deliver megabytes from the kernel's buffers. */
  reset(): void {
    this.isEnded = true;
    // Of a socket that is gone it would make an error, with its stack: one hundredth of a handshake.
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }
}

/** The error has destroyed the socket; `closed` reports that. */
function ignore(): void {}
