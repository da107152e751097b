import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findOnPath } from "../../../scripts/provision/find-on-path.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Programs, preparePrograms } from "../programs.ts";
import { startClients } from "./clients.ts";
import type { Contender } from "./contender.ts";

/** Later than any moment at which a stream comes into force: such an event was published after that. */
const LATER_MICROS = 4_000_000_000_000_000;

let programs: Programs;
beforeAll(async () => void (programs = await preparePrograms()));
afterAll(() => programs[Symbol.asyncDispose]());

describe.skipIf(findOnPath("cc", process.env["PATH"] ?? "") === undefined)("a client of any server", () => {
  test("tells lost, repeated and disordered events apart, wherever chunks are cut", async () => {
    await using server = await startServer(() => chunked([0, 1, 1, 3, 2].map((number) => block(number)).join(""), 7));
    await using clients = await startClients(programs, server, { requests: 1, topics: 1 });
    expect(await clients.open(1)).toMatchObject({ opened: 1, refused: 0 });
    await waitFor("all events are there", async () => (await clients.received()).events === 5);
    expect(await clients.losses(5, 1)).toEqual({ expected: 5, lost: 1, repeated: 1, disordered: 1 });
  });

  test("comes back after the last id whose block was whole, and has caught up once newer events come", async () => {
    await using server = await startServer((count) =>
      count === 1
        ? chunked(`${block(0)}${block(1)}${block(2).slice(0, -1)}`, 100)
        : chunked(`${block(2)}${block(3, LATER_MICROS)}`, 100),
    );
    await using clients = await startClients(programs, server, { requests: 1, topics: 1 });
    await clients.open(1);
    await waitFor("two events are there", async () => (await clients.received()).events === 2);
    expect(await clients.storm(30_000)).toMatchObject({ clients: 1, back: 1, caughtUp: 1, cutAgain: 0 });
    expect(server.asked.map((text) => /^Last-Event-ID: (.*)$/m.exec(text)?.[1]?.trim())).toEqual([undefined, "id1"]);
    expect(await clients.losses(4, 1)).toEqual({ expected: 4, lost: 0, repeated: 0, disordered: 0 });
  });

  test("comes back with the epoch and the highest offset where a server counts by these", async () => {
    const connected = 'data: {"connect":{"epoch":"e1","offset":3}}\n\ndata: {"offset":7}\n\n';
    await using server = await startServer(
      (count) => plain(count === 1 ? `${connected}${block(0)}` : `${connected}${block(1, LATER_MICROS)}`),
      { marker: '"connect":{', resume: "position", request: "GET /?from={@position@} HTTP/1.1\r\n\r\n" },
    );
    await using clients = await startClients(programs, server, { requests: 1, topics: 1 });
    await clients.open(1);
    await waitFor("an event is there", async () => (await clients.received()).events === 1);
    expect(await clients.storm(30_000)).toMatchObject({ caughtUp: 1 });
    const recovered = "%22recover%22:true,%22epoch%22:%22e1%22,%22offset%22:7";
    expect(server.asked.map((text) => text.split(" ")[1])).toEqual(["/?from={}", `/?from={${recovered}}`]);
  });

  test("leaves once its stream is in force, and counts a refusal and a stream that is busy as refused", async () => {
    const answers = [
      "HTTP/1.1 503 Busy\r\n\r\n",
      plain("event: busy\ndata: {}\n\n"),
      plain("event: ready\ndata: {}\n\n"),
    ];
    await using server = await startServer((count) => answers[count % 3] ?? "", { marker: "event: ready" });
    await using clients = await startClients(programs, server, { requests: 6, topics: 1 });
    expect(await clients.visit(6, 0, 2)).toMatchObject({ opened: 2, refused: 4 });
    await waitFor("all have left", () => server.open() === 0);
  });
});

interface FakeServer extends Contender {
  /** The requests that came. */
  readonly asked: readonly string[];
  open(): number;
}

interface Behaviour extends Pick<Contender, "marker" | "resume"> {
  readonly request: string;
}

/** Answers the first connection with `answer(1)`, and so on, and leaves it open. */
async function startServer(
  answer: (count: number) => string,
  { marker = "-", resume = "id", request = "GET / HTTP/1.1\r\n\r\n" }: Partial<Behaviour> = {},
): Promise<FakeServer> {
  const asked: string[] = [];
  let isOpen = 0;
  const server = createServer((socket) => {
    isOpen += 1;
    socket.on("error", () => {}).on("close", () => (isOpen -= 1));
    socket.once("data", (text) => {
      asked.push(text.toString());
      socket.write(answer(asked.length));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    pid: process.pid,
    pidsBehind: [],
    marker,
    resume,
    asked,
    open: () => isOpen,
    requests: async (count) => Array.from({ length: count }, () => request),
    publish: () => {},
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

function block(number: number, micros = 1_000_000): string {
  return `id: id${number}\ndata: {"t":${micros},"n":${number},"pad":"x"}\n\n`;
}

function plain(body: string): string {
  return `HTTP/1.1 200 OK\r\n\r\n${body}`;
}

function chunked(body: string, bytes: number): string {
  const chunks = body.match(new RegExp(`[^]{1,${bytes}}`, "g")) ?? [];
  const sized = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${sized.join("")}`;
}
