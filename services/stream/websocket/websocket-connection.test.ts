import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { waitFor } from "#test/support/wait.ts";
import { encodeControl, heartbeatOf } from "../frames/encode-frame.ts";
import { WebSocketConnection } from "./websocket-connection.ts";

const FRAMING = { framing: "websocket" } as const;
const MB = 1_048_576;

let server: Server;
const clients = new Set<WebSocket>();

beforeAll(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  for (const client of clients) client.terminate();
  clients.clear();
});
afterAll(async () => {
  server.close();
  await once(server, "close");
});

describe("a connection", () => {
  test("delivers each frame of what is written as a message, in order, and ends by a code that says why", async () => {
    const { connection, received, closed } = await pair();
    connection.write(Buffer.concat([frameOf("one"), frameOf("two")]));
    connection.writeCoded(frameOf("three"));
    connection.end(frameOf("last"), { event: "bye", reason: "drain" });
    connection.write(frameOf("late"));
    expect(await closed).toEqual({ code: 1001, reason: "drain" });
    expect(received).toEqual(["one", "two", "three", "last"]);
    await connection.closed;
  });

  test.each([
    ["auth_error", "revoked", 4001],
    ["auth_error", "expired", 4001],
    ["auth_error", "forbidden", 4003],
    ["bye", "slow", 1001],
  ] as const)("that ends with %s %s is closed by %d", async (event, reason, code) => {
    const { connection, closed } = await pair();
    connection.end(frameOf("last"), { event, reason });
    expect(await closed).toEqual({ code, reason });
  });

  test("is reset a second after it has ended where the client does not answer", async () => {
    const { connection, client } = await pair();
    client.pause();
    connection.end(frameOf("last"), { event: "bye", reason: "drain" });
    await connection.closed;
  });

  test("that is reset delivers nothing that waits", async () => {
    const { connection, client, received, closed } = await pair();
    client.pause();
    while (!connection.behind)
      connection.writeCoded(Buffer.concat(Array.from({ length: 64 }, () => frameOf("x".repeat(16_384)))));
    connection.writeCoded(frameOf("behind"));
    connection.reset();
    client.resume();
    expect(await closed).toMatchObject({ code: 1006 });
    expect(received).not.toContain("behind");
  });

  test("that fails is closed by 1011 where nothing waits, and else reset", async () => {
    const failing = await pair();
    failing.connection.write(frameOf("one"));
    failing.connection.fail();
    failing.connection.write(frameOf("late"));
    expect(await failing.closed).toEqual({ code: 1011, reason: "internal" });
    expect(failing.received).toEqual(["one"]);
    const slow = await pair();
    slow.client.pause();
    while (!slow.connection.behind) slow.connection.writeCoded(frameOf("x".repeat(16_384)));
    slow.connection.fail();
    slow.client.resume();
    expect(await slow.closed).toMatchObject({ code: 1006 });
  });

  test("takes no more while too much waits, says when it does again, and counts all bytes", async () => {
    const { connection, client, received } = await pair();
    client.pause();
    const before = connection.bytes;
    const frame = frameOf("x".repeat(MB));
    let written = 0;
    while (connection.writable) {
      connection.writeCoded(frame);
      written += 1;
    }
    expect(connection.behind).toBe(true);
    expect(connection.bytes - before).toBe(written * frame.length);
    const { progress } = connection;
    client.resume();
    await connection.drained();
    expect(connection.writable).toBe(true);
    expect(connection.progress).toBeGreaterThan(progress);
    await waitFor("all are there", () => received.length === written);
  });
});

describe("a client", () => {
  test("may send 16 messages, and is closed by 1008 with the next one", async () => {
    const { client, closed } = await pair();
    for (let sent = 0; sent < 16; sent += 1) client.send("hello");
    client.ping("all were read");
    await once(client, "pong");
    client.send("one more");
    expect(await closed).toMatchObject({ code: 1008 });
  });

  test("is closed by 1009 with a message of more than a kilobyte", async () => {
    const { client, closed } = await pair();
    client.send("x".repeat(1_024));
    client.ping("it was read");
    await once(client, "pong");
    client.send("x".repeat(1_025));
    expect(await closed).toMatchObject({ code: 1009 });
  });

  test("that pings gets no more than 32 answers between two pings of ours", async () => {
    const { client, closed } = await pair();
    let pongs = 0;
    client.on("pong", () => (pongs += 1));
    for (let sent = 0; sent < 33; sent += 1) client.ping(String(sent));
    expect(await closed).toMatchObject({ code: 1008 });
    expect(pongs).toBe(32);
  });

  test("that sends what asks for nothing is reset with more than 64 KiB of it between two pings of ours", async () => {
    const { connection, raw, closed } = await pair();
    const pong = Buffer.from([0x8a, 0x80, 1, 2, 3, 4]);
    raw.write(Buffer.concat(Array.from({ length: 9_000 }, () => pong)));
    raw.write(Buffer.from([0x89, 0x80, 1, 2, 3, 4]));
    await once(raw, "data");
    raw.write(Buffer.concat(Array.from({ length: 2_000 }, () => pong)));
    expect(await closed).toMatchObject({ code: 1006 });
    await connection.closed;
  });

  test("that closes is answered, and is gone", async () => {
    const { connection, client, closed } = await pair();
    client.close(1000);
    expect(await closed).toMatchObject({ code: 1000 });
    await connection.closed;
    connection.write(frameOf("late"));
  });

  test("that closes its side of the socket is gone: a WebSocket has no half", async () => {
    const { connection, raw } = await pair();
    raw.end();
    await connection.closed;
  });

  test("that answers no ping is gone with the next one, and one that does stays", async () => {
    const [silent, living] = [await pair({ pingMs: 100, answersPings: false }), await pair({ pingMs: 100 })];
    let pings = 0;
    living.client.on("ping", () => (pings += 1));
    await silent.connection.closed;
    await waitFor("three pings were answered", () => pings >= 3);
    expect(living.client.readyState).toBe(WebSocket.OPEN);
  });

  test("reads a heartbeat as an object without fields", async () => {
    const { connection, client } = await pair();
    const message = once(client, "message");
    connection.write(heartbeatOf(FRAMING));
    expect(String((await message)[0])).toBe("{}");
  });
});

interface PairOptions {
  readonly pingMs?: number;
  readonly answersPings?: boolean;
}

async function pair({ pingMs, answersPings = true }: PairOptions = {}) {
  const upgraded = once(server, "upgrade") as Promise<[IncomingMessage, Socket, Buffer]>;
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: answersPings });
  clients.add(client);
  client.on("error", () => {});
  const received: string[] = [];
  client.on("message", (bytes: Buffer) => received.push(reasonIn(bytes.toString())));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    client.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const raw = once(client, "upgrade").then(([response]) => (response as IncomingMessage).socket);
  const opened = once(client, "open");
  const [request, socket, head] = await upgraded;
  const options = { noServer: true, clientTracking: false, autoPong: false, maxPayload: 1_024, closeTimeout: 1_000 };
  const connection = await new Promise<WebSocketConnection>((resolve) => {
    new WebSocketServer(options).handleUpgrade(request, socket, head, (webSocket) =>
      resolve(new WebSocketConnection(webSocket, socket, pingMs)),
    );
  });
  await opened;
  return { connection, client, received, closed, raw: await raw };
}

/** A frame that says `text`. */
function frameOf(text: string): Buffer {
  return encodeControl(FRAMING, "reset", { reason: text });
}

function reasonIn(message: string): string {
  const { data = "{}" } = JSON.parse(message) as { data?: string };
  return (JSON.parse(data) as { reason?: string }).reason ?? "";
}
