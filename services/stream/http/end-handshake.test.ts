import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { endHandshake } from "./end-handshake.ts";

test("a client that reads nothing and then resets its connection harms nobody but itself", async () => {
  await using stack = new AsyncDisposableStack();
  const { socket, client } = await pair(stack);
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", note);
  stack.defer(() => void process.off("uncaughtException", note));
  client.pause();
  // More than the kernel has room for on both sides.
  socket.write(Buffer.alloc(32 * 1_024 * 1_024));
  await waitFor("bytes wait in our process", () => socket.writableLength > 0);
  // `once` of node:events would hear the error, too.
  const closed = new Promise((resolve) => socket.on("close", resolve));
  endHandshake(socket, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  client.resetAndDestroy();
  await closed;
  expect(uncaught).toEqual([]);
});

test("an answer that the kernel takes at once arrives, and the connection is closed", async () => {
  await using stack = new AsyncDisposableStack();
  const { socket, client } = await pair(stack);
  let received = "";
  client.setEncoding("latin1").on("data", (text: string) => (received += text));
  endHandshake(socket, "HTTP/1.1 200 OK\r\n\r\n");
  await once(client, "close");
  expect([received, socket.destroyed]).toEqual(["HTTP/1.1 200 OK\r\n\r\n", true]);
});

async function pair(stack: AsyncDisposableStack): Promise<{ readonly socket: Socket; readonly client: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  stack.defer(() => void server.close());
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {});
  const [socket] = (await accepted) as [Socket];
  stack.defer(() => {
    client.destroy();
    socket.destroy();
  });
  return { socket, client };
}
