import { account, type Cost, costRows } from "../account.ts";
import { COLLECTABLE } from "../collect-heap.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openIdleStreams } from "../memory-by-road.ts";
import { openPollers } from "../pollers.ts";
import { openReaders } from "../readers.ts";
import { type Road, ROADS } from "../roads.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const READERS = 500;
const POLLERS = 100;
const PER_SECOND = 50;
const SECONDS = 4;
const PAYLOAD_BYTES = 200;

/** Idle streams of each road, to tell what one holds. */
const IDLE = 4_000;

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

/** What a process holds for idle streams of each road, all of them on the same one. */
async function memoryOfAll(bench: Bench): Promise<Figure[]> {
  await using edge = await bench.startEdge(COLLECTABLE);
  await using streams = await openIdleStreams(bench, edge, IDLE);
  const rows = ROADS.map(({ name }) => ({
    name: `${name}, resident for each stream`,
    value: streams.streamKiB[name],
    unit: "KiB",
  }));
  return [...rows, { name: "streams open", value: await streams.open(), unit: "" }];
}
