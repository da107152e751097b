import { setTimeout as delay } from "node:timers/promises";
import { account, type Cost, costRows, residentKiB } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const READERS = 1_000;
const PER_SECOND = 50;
const SECONDS = 4;
const PAYLOAD_BYTES = 200;

/** Idle streams of each road, to tell what one holds; as many are opened and closed first, which compiles the code for it. */
const IDLE = 4_000;

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
    return [...figures, ...(await Promise.all(ROADS.map((road) => memoryOf(bench, road)))).flat()];
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

/** What a process at rest holds with idle streams of a road beyond what it held without them. All roads rest at the same time. */
async function memoryOf({ issuer, programs, startEdge }: Bench, { name, requestOf, mark }: Road): Promise<Figure[]> {
  await using edge = await startEdge();
  const { pid } = edge.child.process;
  const open = async () => {
    const requests = await streamRequests(issuer, BOB, IDLE, () => "push.>");
    return openReaders(programs, edge.ports.http, requests.map(requestOf), IDLE, mark);
  };
  await (await open())[Symbol.asyncDispose]();
  await delay(REST_MS);
  const before = await residentKiB(pid);
  await using readers = await open();
  await delay(REST_MS);
  const streams = IDLE - (await readers.received()).closed;
  return [
    { name: `${name}, resident for each stream`, value: ((await residentKiB(pid)) - before) / streams, unit: "KiB" },
    { name: `${name}, streams open`, value: streams, unit: "" },
  ];
}
