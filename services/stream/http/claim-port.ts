import { once } from "node:events";
import { createServer } from "node:net";
import { listen, type ListenAddress } from "#shared/http/listen.ts";

/**
 * Makes sure that the port is free, and answers it; for 0 a free one. Workers share the port. A second edge on it by
 * mistake would share it too, and get half of the connections without an error.
 * @throws {BootError} when the port is taken or not allowed.
 */
export async function claimPort(address: ListenAddress): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  const port = await listen(server, address);
  const closed = once(server, "close");
  server.close();
  await closed;
  return port;
}
