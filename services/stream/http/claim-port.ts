import { once } from "node:events";
import { createServer } from "node:net";
import { listen, type ListenAddress } from "#shared/http/listen.ts";

/**
 * Makes sure that nobody has the port, and answers it; for 0 a free one. Workers share it, and so would another process that
 * shares: two edges by mistake on one port would each get half of the connections, and nobody would be told.
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
