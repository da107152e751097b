import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { boundSockets } from "./bound-sockets.ts";
import { SocketBudget } from "./socket-budget.ts";

const HALF = "GET / HTTP/1.1\r\nHost: a\r\nX-Half: ";
const WHOLE = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";

interface Client {
  readonly socket: Socket;
  readonly isClosed: () => boolean;
}

describe("a budget of 2 waiting connections for an address, 3 for all, and 5 altogether", () => {
  let server: Server;
  let sockets: SocketBudget;
  let ended: string[];
  let clients: Socket[];
  let release: () => void;
  let now: number;

  beforeEach(async () => {
    now = 0;
    ended = [];
    clients = [];
    sockets = new SocketBudget(
      { waitingOfOne: 2, waiting: 3, open: 5 },
      (why) => void ended.push(why),
      () => now,
    );
    const released = new Promise<void>((resolve) => (release = resolve));
    server = createServer((request, response) => {
      if (request.url !== "/held") return void request.resume().on("end", () => response.end("ok"));
      void released.then(() => response.end("held"));
    });
    boundSockets(server, sockets);
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(() => {
    for (const client of clients) client.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** Connects from that address of this machine, sends, and resolves once the server has counted the connection. */
  async function open(text: string, from = "127.0.0.1", pauseMs = 3_000): Promise<Client> {
    // Whoever came before has waited long enough to be ended.
    now += pauseMs;
    const accepted = once(server, "connection");
    const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", localAddress: from });
    let isClosed = false;
    socket.on("error", () => undefined).on("close", () => (isClosed = true));
    clients.push(socket);
    socket.resume().write(text);
    await accepted;
    return { socket, isClosed: () => isClosed };
  }

  const answering = (count: number): Promise<unknown> =>
    waitFor(`${count} connections ask`, () => sockets.open - sockets.waiting === count);

  test("ends nobody of a crowd that comes at once, before their requests can have been read", async () => {
    const crowd: Client[] = [];
    for (let count = 1; count <= 5; count += 1) crowd.push(await open(HALF, "127.0.0.1", 0));
    expect(ended).toEqual([]);
    await open(HALF, "127.0.0.2", 2_999);
    expect(ended).toEqual(["descriptors"]);
    await open(HALF, "127.0.0.2", 1);
    await waitFor("the oldest are ended", () => crowd.filter(({ isClosed }) => isClosed()).length === 4);
    expect(ended).toEqual(["descriptors", "waiting", "waiting", "waiting"]);
  });

  test("ends the oldest of an address that opens one too many, and nobody else's", async () => {
    const other = await open(HALF, "127.0.0.2");
    const [first, second] = [await open(HALF), await open(HALF)];
    expect(ended).toEqual([]);
    const third = await open(HALF);
    await waitFor("the oldest is closed", first.isClosed);
    expect([second, third, other].map(({ isClosed }) => isClosed())).toEqual([false, false, false]);
    expect(ended).toEqual(["address"]);
  });

  test("ends the oldest of all where many addresses wait", async () => {
    const first = await open(HALF, "127.0.0.2");
    await open(HALF, "127.0.0.3");
    await open(HALF, "127.0.0.4");
    expect(ended).toEqual([]);
    await open(HALF, "127.0.0.5");
    await waitFor("the oldest is closed", first.isClosed);
    expect(ended).toEqual(["waiting"]);
  });

  test("does not count who is being answered, and refuses newcomers where all of them are", async () => {
    const asking = [];
    for (let place = 0; place < 5; place += 1) asking.push(await open(WHOLE));
    await answering(5);
    const newcomer = await open(HALF);
    await waitFor("the newcomer is closed", newcomer.isClosed);
    expect(asking.map(({ isClosed }) => isClosed())).toEqual([false, false, false, false, false]);
    expect(ended).toEqual(["descriptors"]);
  });

  test("takes a newcomer's place from who waits where there are no descriptors", async () => {
    for (let place = 0; place < 4; place += 1) await open(WHOLE);
    await answering(4);
    const idle = await open(HALF);
    await open(WHOLE, "127.0.0.2");
    await waitFor("the idle one is closed", idle.isClosed);
    await answering(5);
    expect(ended).toEqual(["descriptors"]);
  });

  test("has a connection wait again once it is answered, as the youngest", async () => {
    const asking = await open(WHOLE);
    await answering(1);
    const idle = await open(HALF);
    release();
    await answering(0);
    await open(HALF);
    await waitFor("the idle one is closed", idle.isClosed);
    expect(asking.isClosed()).toBe(false);
  });

  test("has a connection wait until its body is whole", async () => {
    const slow = await open("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    await waitFor("the request has begun", () => sockets.open === 1);
    await open(HALF);
    await open(HALF);
    await waitFor("the slow one is closed", slow.isClosed);
    expect(ended).toEqual(["address"]);
  });

  test("forgets connections that are gone", async () => {
    const { socket } = await open(WHOLE);
    await open(HALF);
    await answering(1);
    for (const client of [socket, ...clients]) client.destroy();
    await waitFor("nothing is open", () => sockets.open === 0 && sockets.waiting === 0);
  });
});
