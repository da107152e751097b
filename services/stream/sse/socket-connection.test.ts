import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { type BodyCoding, chooseBodyCoding, plainBody } from "./body-coding.ts";
import { SocketConnection } from "./socket-connection.ts";

const KB = 1_024;
const MB = 1_024 * KB;
const WITH_HEAD = { coding: chooseBodyCoding({ httpVersion: "1.1", headers: {} }), head: "HTTP/1.1 200 OK\r\n\r\n" };

let server: Server;
const clients = new Set<Socket>();

beforeAll(async () => {
  // As node:http does it: a client may close its side and still read.
  server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  for (const client of clients) client.destroy();
  clients.clear();
});
afterAll(async () => {
  server.close();
  await once(server, "close");
});

describe("a connection", () => {
  test("delivers what is written, in order", async () => {
    const { connection, client, received } = await pair();
    connection.write(Buffer.from("one"));
    connection.write(Buffer.from("two"));
    connection.end(Buffer.from("three"));
    await once(client, "end");
    expect(received()).toBe("onetwothree");
  });

  test("writes the response's head and the first frames at once, and the head no second time", async () => {
    const { connection, client, received, writes } = await pair(WITH_HEAD);
    expect(writes()).toBe(0);
    connection.write(Buffer.from("ready"));
    expect(writes()).toBe(1);
    connection.write(Buffer.from("more"));
    expect(writes()).toBe(2);
    connection.end(Buffer.from("bye"));
    await once(client, "end");
    expect(received()).toBe("HTTP/1.1 200 OK\r\n\r\n5\r\nready\r\n4\r\nmore\r\n3\r\nbye\r\n0\r\n\r\n");
  });

  test("that ends before anything was written begins with the head, too", async () => {
    const { connection, client, received } = await pair(WITH_HEAD);
    connection.end(Buffer.from("bye"));
    await once(client, "end");
    expect(received()).toBe("HTTP/1.1 200 OK\r\n\r\n3\r\nbye\r\n0\r\n\r\n");
  });

  test("ignores 4 KB that its client sends, and is reset by one byte more", async () => {
    const { connection, client, gone, heard, received } = await pair();
    client.write(Buffer.alloc(4_096));
    await waitFor("they have come", () => heard() === 4_096);
    connection.write(Buffer.from("still here"));
    await waitFor("the stream goes on", () => received() === "still here");
    client.write("x");
    await Promise.all([connection.closed, gone]);
  });

  test("goes on for a client that has closed its side", async () => {
    const { connection, client, received } = await pair();
    client.end();
    await waitFor("a heartbeat asks whether it still reads", () => received().startsWith(":\n"));
    connection.write(Buffer.from("data: x\n\n"));
    await waitFor("the event", () => received().includes("data: x\n\n"));
    connection.end(Buffer.from("bye"));
    await connection.closed;
  });

  test("goes on for a client that had closed its side before", async () => {
    const { connection, received } = await pair({ closesFirst: true });
    connection.write(Buffer.from("data: x\n\n"));
    await waitFor("the event, then a heartbeat", () => received().startsWith("data: x\n\n:\n"));
  });

  test("notices by itself that a client which had closed its side is gone", async () => {
    const { connection, client } = await pair();
    client.end();
    client.destroy();
    await connection.closed;
  });

  test("takes more while less than 64 KB wait", async () => {
    const { connection } = await pair();
    connection.write(Buffer.alloc(64 * KB - 1));
    expect(connection.writable).toBe(true);
    await connection.drained();
  });

  test("takes no more from 64 KB on, until all of it is gone", async () => {
    const { connection, client } = await pair({ paused: true });
    while (connection.writable) connection.write(Buffer.alloc(64 * KB));
    await stuck(connection);
    expect(connection.writable).toBe(false);
    expect(connection.behind).toBe(true);
    let drained = false;
    const waiting = connection.drained().then(() => (drained = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    client.resume();
    await waiting;
    expect(connection.writable).toBe(true);
    expect(connection.behind).toBe(false);
  });

  test("makes no progress while its client takes nothing", async () => {
    const { connection } = await pair({ paused: true });
    connection.write(Buffer.alloc(16 * MB));
    await stuck(connection);
    const before = connection.progress;
    connection.write(Buffer.alloc(KB));
    expect(connection.progress).toBe(before);
  });

  test("makes progress while its client takes one large frame bit by bit", async () => {
    const { connection, client } = await pair({ paused: true });
    connection.write(Buffer.alloc(64 * MB));
    await stuck(connection);
    for (let part = 1; part <= 3; part += 1) {
      const before = connection.progress;
      await take(client, 8 * MB);
      expect(connection.behind).toBe(true);
      // The kernel's own buffers may give out what the client took, and be filled again a moment later.
      await waitFor("the kernel takes more", () => connection.progress !== before);
      await stuck(connection);
    }
  });

  test("is drained when its client is gone", async () => {
    const { connection, client } = await pair({ paused: true });
    connection.write(Buffer.alloc(16 * MB));
    const drained = connection.drained();
    client.resetAndDestroy();
    await Promise.all([drained, connection.closed]);
    await connection.drained();
  });

  test("takes writes after its client is gone, and forgets them", async () => {
    const { connection, client } = await pair();
    client.resetAndDestroy();
    await connection.closed;
    expect(() => connection.write(Buffer.from("late"))).not.toThrow();
    expect(() => connection.end(Buffer.from("late"))).not.toThrow();
    expect(() => connection.reset()).not.toThrow();
  });
});

describe("an end", () => {
  test("is over as soon as the client closes its side too", async () => {
    const { connection, client } = await pair();
    // Time stands still: nothing is over because it was waited for.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    connection.end(Buffer.from("bye"));
    await once(client, "end");
    client.end();
    await connection.closed;
    vi.useRealTimers();
  });

  test("writes nothing after the last frame, and happens once", async () => {
    const { connection, client, received } = await pair({ allowHalfOpen: true });
    let closed = false;
    void connection.closed.then(() => (closed = true));
    connection.end(Buffer.from("bye"));
    connection.write(Buffer.from("more"));
    connection.end(Buffer.from("again"));
    await once(client, "end");
    expect(received()).toBe("bye");
    // A write after the end is a fault of the socket, and would have torn it down.
    expect(closed).toBe(false);
    client.end();
    await connection.closed;
  });

  test("resets a client that does not close within a second", async () => {
    const { connection, client } = await pair({ allowHalfOpen: true });
    const startedAt = performance.now();
    connection.end(Buffer.from("bye"));
    await once(client, "end");
    await connection.closed;
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    const error = once(client, "error");
    client.write("anyone there?");
    expect(((await error) as NodeJS.ErrnoException[])[0]?.code).toMatch(/^(ECONNRESET|EPIPE)$/);
  });

  test("resets a client that does not read, with all that waits for it", async () => {
    const { connection, client, gone, received } = await pair({ paused: true });
    connection.write(Buffer.alloc(16 * MB, "x"));
    connection.end(Buffer.from("bye"));
    await connection.closed;
    client.resume();
    await gone;
    expect(received()).not.toContain("bye");
    expect(received().length).toBeLessThan(8 * MB);
  });
});

describe("a reset", () => {
  test("delivers nothing more, neither from our process nor from the kernel", async () => {
    const { connection, client, gone, received } = await pair({ paused: true });
    connection.write(Buffer.alloc(16 * MB, "x"));
    await stuck(connection);
    connection.reset();
    connection.write(Buffer.from("more"));
    connection.end(Buffer.from("bye"));
    await connection.closed;
    client.resume();
    await gone;
    // What already reached the client's own kernel is out of our hands; what was in ours is dropped.
    expect(received().length).toBeLessThan(MB);
    expect(received()).toMatch(/^x*$/);
  });
});

/** Has a paused client read so much, and stop: more would leave the kernel too little to give out for the next part. */
async function take(client: Socket, bytes: number): Promise<void> {
  const until = client.bytesRead + bytes;
  const taken = new Promise<void>((resolve) => {
    const stop = (): void => {
      if (client.bytesRead < until) return;
      client.off("data", stop).pause();
      resolve();
    };
    client.on("data", stop);
  });
  client.resume();
  await taken;
}

interface Pair {
  readonly connection: SocketConnection;
  readonly client: Socket;
  /** Resolves when the client has noticed that the socket is gone. */
  readonly gone: Promise<unknown>;
  readonly received: () => string;
  /** How many bytes have come from the client. */
  readonly heard: () => number;
  /** How often the connection has written to its socket. */
  readonly writes: () => number;
}

interface PairOptions {
  readonly paused?: boolean;
  readonly allowHalfOpen?: boolean;
  /** The client has closed its side before there is a connection. */
  readonly closesFirst?: boolean;
  readonly coding?: BodyCoding;
  readonly head?: string;
}

async function pair(options: PairOptions = {}): Promise<Pair> {
  const accepted = once(server, "connection");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: options.allowHalfOpen ?? false });
  clients.add(client);
  // A reset is an end like any other here.
  client.on("error", () => {});
  const gone = new Promise((resolve) => client.once("close", resolve));
  const chunks: Buffer[] = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (options.paused === true) client.pause();
  const [socket] = (await accepted) as [Socket];
  if (options.closesFirst === true) {
    client.end();
    await once(socket.resume(), "end");
  }
  const write = vi.spyOn(socket, "write");
  return {
    connection: new SocketConnection(socket, {
      coding: options.coding ?? plainBody,
      head: Buffer.from(options.head ?? ""),
      heartbeat: Buffer.from(":\n"),
    }),
    client,
    gone,
    received: () => Buffer.concat(chunks).toString("latin1"),
    heard: () => socket.bytesRead,
    writes: () => write.mock.calls.length,
  };
}

/** Waits until bytes wait in our process because the kernel takes no more. */
async function stuck(connection: SocketConnection): Promise<void> {
  let last = -1;
  await waitFor("the kernel takes no more", () => {
    const before = last;
    last = connection.progress;
    return connection.behind && last === before;
  });
}
