import { connect, type Socket } from "node:net";
import { type Frame, parseFrame } from "./parse-frame.ts";

/** What to open, and from which address of this machine. */
export interface RawStreamOptions {
  readonly port: number;
  readonly localAddress: string;
  /** `/v1/stream?topic=…` */
  readonly path: string;
  readonly token: string;
  readonly lastEventId: string | undefined;
  readonly onFrame: (frame: Frame) => void;
}

/** An event stream over a bare socket, as cheap for its client as can be. */
export interface RawStream {
  /** Resolves when the socket is gone, with how long the server wants the client to wait, in milliseconds. */
  readonly closed: Promise<number>;
  /** Drops the connection at once, as a client does that is killed. */
  kill(): void;
}

/** Opens a stream. Whatever is no answer of 200 ends it like any other end. */
export function openRawStream(options: RawStreamOptions): RawStream {
  const { port, localAddress, onFrame } = options;
  const socket = connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
  socket.setEncoding("utf8").on("error", () => socket.destroy());
  socket.write(requestOf(options));
  let retryMs = 1_000;
  let isHead = true;
  let pending = "";
  socket.on("data", (chunk: string) => {
    pending += chunk;
    if (isHead) {
      const end = pending.indexOf("\r\n\r\n");
      if (end === -1) return;
      if (!pending.startsWith("HTTP/1.1 200 ")) return void socket.destroy();
      isHead = false;
      pending = pending.slice(end + 4);
    }
    const blocks = pending.split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) {
      const frame = parseFrame(block);
      if (frame !== undefined) onFrame(frame);
      if (block.startsWith("retry:")) retryMs = Number.parseInt(block.slice("retry:".length), 10);
    }
  });
  return { closed: whenClosed(socket).then(() => retryMs), kill: () => void socket.resetAndDestroy() };
}

function requestOf({ path, token, lastEventId }: RawStreamOptions): string {
  const after = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: edge\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n${after}\r\n`;
}

function whenClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
