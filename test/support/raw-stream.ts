import { connect, type Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { ChunkReader } from "./chunk-reader.ts";
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

/** Opens a stream. An answer other than 200 ends it like any other end. */
export function openRawStream(options: RawStreamOptions): RawStream {
  const { port, localAddress, onFrame } = options;
  const socket = connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
  socket.on("error", () => socket.destroy());
  socket.write(requestOf(options));
  let retryMs = 1_000;
  let head: Buffer | undefined = Buffer.alloc(0);
  let pending = "";
  const body = new ChunkReader();
  const characters = new StringDecoder("utf8");
  const readBody = (bytes: Buffer): void => {
    const blocks = (pending + characters.write(body.read(bytes))).split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) {
      retryMs = Number(/^retry: (\d+)$/m.exec(block)?.[1] ?? retryMs);
      const frame = parseFrame(block);
      if (frame !== undefined) onFrame(frame);
    }
  };
  socket.on("data", (bytes: Buffer) => {
    if (head === undefined) return readBody(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    if (!head.toString("latin1").startsWith("HTTP/1.1 200 ")) return void socket.destroy();
    const beginning = head.subarray(end + 4);
    head = undefined;
    readBody(beginning);
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
