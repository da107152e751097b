import { setTimeout as delay } from "node:timers/promises";
import { account, type Cost, costRows, residentKiB } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openPollers } from "../pollers.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const READERS = 500;
const POLLERS = 100;
const PER_SECOND = 50;
const SECONDS = 4;
const PAYLOAD_BYTES = 200;

/** Idle streams of each road, to tell what one holds; as many are opened and closed first, which compiles the code for it. */
const IDLE = 2_000;

/** A process comes to rest in this time: V8 gives back what its heap does not need 110 s after the last full collection. */
const REST_MS = 140_000;

/** A road, and what its clients send and read. */
interface Road {
  readonly name: string;
  /** The request for a stream of Server-Sent Events as that of this road. */
  readonly requestOf: (request: string) => string;
  /** What stands before the time in a payload, which is a text inside JSON on all roads but one. */
  readonly mark: string;
}

const HANDSHAKE = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function upgrading(request: string): string {
  return request.replace(/\r\n\r\n$/, `\r\nConnection: Upgrade\r\n${HANDSHAKE}\r\n`);
}

const INSIDE_JSON = '"t\\":';

const ROADS: readonly Road[] = [
  { name: "sse", requestOf: (request) => request, mark: '"t":' },
  {
    name: "ndjson",
    requestOf: (request) => request.replace("text/event-stream", "application/x-ndjson"),
    mark: INSIDE_JSON,
  },
  { name: "websocket", requestOf: upgrading, mark: INSIDE_JSON },
];

/** What a delivery costs and an open stream holds by each road, side by side, beside a loop that only writes. */
export const roads: Scenario = {
  name: "roads",
  about: `CPU for each delivery and memory of each stream by road, ${READERS} readers, ${PAYLOAD_BYTES} bytes, ${PER_SECOND} events a second`,
  async run(bench) {
    const expected = PER_SECOND * SECONDS * READERS;
    const loop = await costOfLoop(bench);
    const figures = [...costRows(`bare ${bench.programs.language} loop`, loop, expected)];
    for (const road of ROADS) figures.push(...(await costOf(bench, road, loop, expected)));
    figures.push(...(await costOfPolls(bench, loop)));
    return [...figures, ...(await memoryOfAll(bench))];
  },
};

async function costOfLoop({ programs }: Bench): Promise<Cost> {
  await using loop = programs.start("write-loop");
  const { port } = await loop.hear<{ port: number }>();
  await using readers = await openReaders(programs, port, ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"], READERS);
  return await account(loop.pid, readers, () => loop.ask(`publish ${PER_SECOND} ${SECONDS} ${PAYLOAD_BYTES}`));
}

async function costOf(
  { stack, issuer, programs, startEdge }: Bench,
  { name, requestOf, mark }: Road,
  loop: Cost,
  expected: number,
): Promise<Figure[]> {
  await using edge = await startEdge();
  const { pid } = edge.child.process;
  const producer = await stack.bus("demo");
  const requests = (await streamRequests(issuer, BOB, READERS, () => "push.>")).map(requestOf);
  await using readers = await openReaders(programs, edge.ports.http, requests, READERS, mark);
  const before = (await readers.received()).bytes;
  const cost = await account(pid, readers, () =>
    atRate({ ratePerSecond: PER_SECOND, seconds: SECONDS }, () => {
      void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES));
    }),
  );
  const bytes = ((await readers.received()).bytes - before) / cost.delivered;
  return [
    ...costRows(name, cost, expected),
    { name: `${name}, by the loop`, value: cost.cpuMicros / loop.cpuMicros, unit: "×" },
    { name: `${name}, bytes of a delivery`, value: bytes, unit: "bytes" },
  ];
}

/** The same by polls, of fewer clients: they run in this process, which must not keep the edge waiting. */
async function costOfPolls({ stack, issuer, startEdge }: Bench, loop: Cost): Promise<Figure[]> {
  const many = "1000000";
  await using edge = await startEdge({
    STREAM_POLLS_PER_SUBJECT_PER_MINUTE: many,
    STREAM_POLLS_PER_ADDRESS_PER_MINUTE: many,
  });
  const producer = await stack.bus("demo");
  const requests = await streamRequests(issuer, BOB, POLLERS, () => "push.>");
  const tokens = requests.map((request) => /Bearer (?<token>\S+)/.exec(request)?.groups?.["token"] ?? "");
  await using pollers = await openPollers(edge.ports.http, tokens, "topic=push.>&wait=25");
  const before = pollers.answers();
  const cost = await account(edge.child.process.pid, pollers, () =>
    atRate({ ratePerSecond: PER_SECOND, seconds: SECONDS }, () => {
      void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES));
    }),
  );
  return [
    ...costRows("poll", cost, PER_SECOND * SECONDS * POLLERS),
    { name: "poll, by the loop", value: cost.cpuMicros / loop.cpuMicros, unit: "×" },
    { name: "poll, events in an answer", value: cost.delivered / (pollers.answers() - before), unit: "" },
  ];
}

/**
 * What a process at rest holds with idle streams of a road beyond what it held without them. All rest at the same time, and open their
 * streams one road after the other.
 */
async function memoryOfAll({ issuer, programs, startEdge }: Bench): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const open = async (port: number, { requestOf, mark }: Road) => {
    const requests = await streamRequests(issuer, BOB, IDLE, () => "push.>");
    return openReaders(programs, port, requests.map(requestOf), IDLE, mark);
  };
  const edges = await Promise.all(ROADS.map(async (road) => ({ road, edge: stack.use(await startEdge()) })));
  for (const { road, edge } of edges) await (await open(edge.ports.http, road))[Symbol.asyncDispose]();
  await delay(REST_MS);
  const before = await Promise.all(edges.map(({ edge }) => residentKiB(edge.child.process.pid)));
  const all = [];
  for (const { road, edge } of edges) all.push(stack.use(await open(edge.ports.http, road)));
  await delay(REST_MS);
  const after = await Promise.all(edges.map(({ edge }) => residentKiB(edge.child.process.pid)));
  const closed = await Promise.all(all.map(async (readers) => (await readers.received()).closed));
  return ROADS.flatMap(({ name }, place) => {
    const streams = IDLE - (closed[place] ?? 0);
    const resident = ((after[place] ?? 0) - (before[place] ?? 0)) / streams;
    return [
      { name: `${name}, resident for each stream`, value: resident, unit: "KiB" },
      { name: `${name}, streams open`, value: streams, unit: "" },
    ];
  });
}
