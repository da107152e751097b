import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { collectGarbage } from "#test/support/collect-garbage.ts";
import { waitFor } from "#test/support/wait.ts";
import { SocketBudget } from "#shared/http/socket-budget.ts";
import { OPS_LIMITS } from "#shared/http/socket-limits.ts";
import { readThroughHandshakeSockets, takeSocket } from "./handshake-socket.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: edge\r\n\r\n";

let stack = new AsyncDisposableStack();
afterEach(async () => {
  await stack.disposeAsync();
  stack = new AsyncDisposableStack();
});

describe("a server that reads through handshake sockets", () => {
  test("answers one request after another on a connection, and closes it when it has idled", async () => {
    const { client, text } = await open((_request, response) => response.end("answer"), { keepAliveTimeout: 50 });
    client.write(REQUEST);
    await waitFor("the first answer", () => text().split("answer").length === 2);
    client.write(REQUEST);
    await waitFor("the second answer", () => text().split("answer").length === 3);
    await once(client, "close");
  });

  test("lets a client go that never closes its side after a last answer", async () => {
    const { client, sockets } = await open((_request, response) => response.end("answer"), {}, true);
    client.write(REQUEST.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await waitFor("the socket is gone", () => sockets[0]?.destroyed === true);
  });

  test("reads a body that is larger than its buffer, and answers as large", async () => {
    const large = "x".repeat(1_000_000);
    const { client, text } = await open((request, response) => void request.pipe(response));
    client.write(
      `POST / HTTP/1.1\r\nHost: edge\r\nConnection: close\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
    );
    await once(client, "close");
    expect(text().match(/x+/g)?.join("").length).toBe(large.length);
  });

  test("tells a client that sends its headers too slowly, and closes", async () => {
    const { client, text } = await open(() => {}, { headersTimeout: 20, connectionsCheckingInterval: 10 });
    client.write("GET / HTTP/1.1\r\n");
    await once(client, "close");
    expect(text()).toContain("408 Request Timeout");
  });

  test("notices a client that goes away before it is answered", async () => {
    const gone = Promise.withResolvers<void>();
    const { client } = await open((request) => void request.socket.once("close", () => gone.resolve()));
    client.write(REQUEST);
    client.resetAndDestroy();
    await gone.promise;
  });
});

describe("a socket that is taken", () => {
  test("is the bare one: what is written to it arrives as it is, what the client sends is not node:http's any more", async () => {
    const taken = Promise.withResolvers<Socket>();
    const { client, text } = await open((request) => taken.resolve(takeSocket(request)));
    client.write(REQUEST);
    const socket = await taken.promise;
    const heard = once(socket.resume(), "data");
    socket.write("bare");
    await waitFor("the bytes", () => text() === "bare");
    client.write("GET / nonsense\r\n\r\n");
    expect(String((await heard)[0])).toBe("GET / nonsense\r\n\r\n");
    socket.destroy();
  });

  test("cannot be taken twice", async () => {
    const fault = Promise.withResolvers<unknown>();
    const { client } = await open((request) => {
      const socket = takeSocket(request);
      try {
        takeSocket(request);
      } catch (error) {
        fault.resolve(error);
      }
      socket.destroy();
    });
    client.write(REQUEST);
    expect(String(await fault.promise)).toContain("taken before");
  });

  // If Node comes to hold a request by other ways, each open stream costs its memory again.
  test("leaves nothing of its request in memory", async () => {
    let request: WeakRef<IncomingMessage> | undefined;
    let connection: WeakRef<Socket> | undefined;
    let socket: Socket | undefined;
    const { client } = await open((incoming) => {
      request = new WeakRef(incoming);
      connection = new WeakRef(incoming.socket);
      socket = takeSocket(incoming);
    });
    client.write(REQUEST);
    await waitFor("the request is collected", () => {
      collectGarbage();
      return socket !== undefined && request?.deref() === undefined && connection?.deref() === undefined;
    });
    expect(socket?.destroyed).toBe(false);
    socket?.destroy();
  });
});

interface Limits {
  readonly keepAliveTimeout?: number;
  readonly headersTimeout?: number;
  readonly connectionsCheckingInterval?: number;
}

async function open(listener: RequestListener, limits: Limits = {}, allowHalfOpen = false) {
  const server = createServer(limits, listener);
  readThroughHandshakeSockets(server, new SocketBudget(OPS_LIMITS));
  const sockets: Socket[] = [];
  server.prependListener("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen }).on("error", () => {});
  stack.defer(async () => {
    client.destroy();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  let text = "";
  client.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  return { client, sockets, text: () => text };
}
