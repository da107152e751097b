import { account, type Cost, costRows } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { nchan } from "../peers/nchan.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const READERS = 1_000;
const PAYLOAD_BYTES = 200;
const SECONDS = 8;

/** One event to a thousand readers: what each delivery costs, beside the least that one can do. */
export const fanOut: Scenario = {
  name: "fan-out",
  about: "CPU for each delivered event, 1 000 readers, 200 bytes, 50 and 500 events a second",
  async run(bench) {
    const expected = (ratePerSecond: number): number => ratePerSecond * SECONDS * READERS;
    // The limit is one write for each event and reader, at a rate that the loop sustains: that is what a write costs.
    const limit = await costOfLoop(bench, 50);
    const slow = await costOfEdge(bench, 50);
    const fast = await costOfEdge(bench, 500);
    const perCore = { name: "edge, 500/s, for each second of a core", value: 1e6 / fast.cpuMicros, unit: "deliveries" };
    return [
      ...costRows(`bare ${bench.programs.language} loop, 50/s`, limit, expected(50)),
      ...(await nchanRows(bench, 50, limit)),
      ...costRows("edge, 50/s", slow, expected(50)),
      byTheLoop("edge, 50/s", slow, limit, 1.5),
      ...(await nchanRows(bench, 500, limit)),
      ...costRows("edge, 500/s", fast, expected(500)),
      byTheLoop("edge, 500/s", fast, limit, 0.15),
      { ...perCore, goal: { atLeast: 400_000 } },
    ];
  },
};

/** What the bare loop takes for each delivery. */
async function costOfLoop({ programs }: Bench, ratePerSecond: number): Promise<Cost> {
  await using loop = programs.start("write-loop");
  const { port } = await loop.hear<{ port: number }>();
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await using readers = await openReaders(programs, port, [request], READERS);
  return await account(loop.pid, readers, () => loop.ask(`publish ${ratePerSecond} ${SECONDS} ${PAYLOAD_BYTES}`));
}

async function costOfEdge(bench: Bench, ratePerSecond: number): Promise<Cost> {
  const { stack, issuer, programs, startEdge } = bench;
  await using edge = await startEdge();
  const producer = await stack.bus("demo");
  const requests = await streamRequests(issuer, BOB, READERS, () => "push.>");
  await using readers = await openReaders(programs, edge.ports.http, requests, READERS);
  return await account(edge.child.process.pid, readers, () =>
    atRate({ ratePerSecond, seconds: SECONDS }, () => {
      void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES));
    }),
  );
}

async function nchanRows({ programs, say }: Bench, ratePerSecond: number, limit: Cost): Promise<readonly Figure[]> {
  const found = await nchan.find(process.env["PATH"] ?? "");
  if (found === undefined) {
    say(`  nginx + nchan is left out: it is not installed (${nchan.install})`);
    return [];
  }
  await using server = await found.start();
  await using readers = await openReaders(programs, server.port, await server.requests(1, 1), READERS);
  const cost = await account(server.pid, readers, () =>
    atRate({ ratePerSecond, seconds: SECONDS }, () => server.publish(0, payloadOf(PAYLOAD_BYTES))),
  );
  const name = `nginx + nchan, ${ratePerSecond}/s`;
  return [...costRows(name, cost, ratePerSecond * SECONDS * READERS), byTheLoop(name, cost, limit)];
}

function byTheLoop(name: string, cost: Cost, limit: Cost, atMost?: number): Figure {
  const figure = { name: `${name}, by the loop`, value: cost.cpuMicros / limit.cpuMicros, unit: "×" };
  return atMost === undefined ? figure : { ...figure, goal: { atMost } };
}
