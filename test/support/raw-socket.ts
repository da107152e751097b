import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";

/** A socket over which a test sends any bytes. */
export interface RawSocket extends AsyncDisposable {
  write(bytes: string): void;
  /** Closes our side; what the server says still comes. */
  end(): void;
  /** Everything until the server closes. */
  text(): Promise<string>;
  /** Everything up to here once it holds `part`. */
  until(part: string): Promise<string>;
}

/** Connects to a port of this machine. */
export async function openRawSocket(port: number): Promise<RawSocket> {
  const socket: Socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let text = "";
  socket.on("error", () => {}).on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return {
    write: (bytes) => void socket.write(bytes, "latin1"),
    end: () => void socket.end(),
    text: () => closed.then(() => text),
    until: async (part) => {
      await expect.poll(() => text).toContain(part);
      return text;
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
