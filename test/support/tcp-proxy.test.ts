import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ProxyMode, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { waitFor } from "./wait.ts";

let cleanup: AsyncDisposableStack;
let proxy: TcpProxy;
/** The bytes that came at the target, over all connections. */
let arrived: string;
let targetSockets: Socket[];

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  arrived = "";
  targetSockets = [];
  const target = createServer({ allowHalfOpen: true }, (socket) => {
    targetSockets.push(socket);
    socket
      .on("error", () => {})
      .on("data", (bytes) => {
        arrived += bytes.toString();
        socket.write(bytes);
      });
  }).listen(0, "127.0.0.1");
  await once(target, "listening");
  cleanup.defer(() => {
    for (const socket of targetSockets) socket.destroy();
    target.close();
  });
  proxy = cleanup.use(await startTcpProxy((target.address() as AddressInfo).port));
});
afterEach(() => cleanup.disposeAsync());

describe("a connection through the proxy", () => {
  test("passes both ways", async () => {
    const client = await open();
    client.socket.write("hello");
    await client.got("hello");
  });

  test("is told nothing in a black hole, and gets what was held when it ends", async () => {
    const client = await open();
    proxy.set("blackhole");
    client.socket.write("held");
    const other = await open();
    other.socket.write("also");
    client.socket.destroy();
    await expectSilence();
    expect(targetSockets.every((socket) => !socket.destroyed)).toBe(true);
    proxy.set("pass");
    await other.got("also");
    await waitFor("all of it arrives", () => arrived.includes("held"));
  });

  test("carries replies alone, where requests are cut", async () => {
    const client = await open();
    client.socket.write("1");
    await client.got("1");
    proxy.set("no-requests");
    client.socket.write("2");
    targetSockets[0]?.write("told");
    await client.got("1told");
    expect(arrived).toBe("1");
    proxy.set("pass");
    await client.got("1told2");
  });

  test("carries requests alone, where replies are cut", async () => {
    const client = await open();
    proxy.set("no-replies");
    client.socket.write("1");
    await waitFor("it arrives", () => arrived === "1");
    client.socket.write("2");
    await waitFor("it arrives too", () => arrived === "12");
    await client.got("");
    proxy.set("pass");
    await client.got("12");
  });

  test("is late by the delay, in order", async () => {
    const client = await open();
    proxy.set({ delayMs: 40 });
    const begin = performance.now();
    client.socket.write("a");
    client.socket.write("b");
    await client.got("ab");
    expect(performance.now() - begin).toBeGreaterThanOrEqual(80);
  });

  test("gets a byte a second", async () => {
    const client = await open();
    proxy.set("trickle");
    const sent = "0123456789".repeat(10);
    client.socket.write(sent);
    await waitFor("two bytes", () => arrived.length >= 2);
    expect(arrived.length).toBeLessThan(sent.length);
    proxy.set("pass");
    await client.got(sent);
  });

  test("is closed on one side only", async () => {
    const client = await open();
    proxy.set("half-close");
    await once(client.socket, "end");
    client.socket.write("still heard");
    await waitFor("it arrives", () => arrived === "still heard");
  });

  test.each<ProxyMode>(["pass", "trickle"])("is reset, and so is a new one, until the mode is %j", async (next) => {
    const client = await open();
    proxy.set("reset");
    const [error] = (await once(client.socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    proxy.set(next);
    const again = await open();
    again.socket.write("x");
    await again.got("x");
  });
});

/** Long enough for what is not held to arrive. */
async function expectSilence(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(arrived).toBe("");
}

async function open() {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  cleanup.defer(() => void socket.destroy());
  let text = "";
  socket.on("data", (bytes) => (text += bytes.toString())).on("error", () => {});
  await once(socket, "connect");
  return { socket, got: (expected: string) => waitFor(`"${expected}"`, () => text === expected) };
}
