import { residentKiB } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { type Latency, openReaders } from "../readers.ts";
import type { Bench, Scenario } from "../scenario.ts";

const READERS = 1_000;
const PAUSED = 200;
/** More for each reader than the largest buffers of a kernel (4 MB in Linux as it comes) take. */
const LOAD = { ratePerSecond: 25, seconds: 10 };
const PAYLOAD_BYTES = 20_000;

/** Readers that take nothing, among others: what the others notice, and what the process holds for them. */
export const slowReaders: Scenario = {
  name: "slow-readers",
  about: "800 readers of 20 KB events, with and without 200 more that read nothing",
  async run(bench) {
    const alone = await healthy(bench, 0);
    const beside = await healthy(bench, PAUSED);
    const held = (beside.grownKiB - alone.grownKiB) / PAUSED;
    return [
      { name: "p50 without", value: alone.latency.p50, unit: "ms" },
      { name: "p99 without", value: alone.latency.p99, unit: "ms" },
      { name: "p50 beside slow readers", value: beside.latency.p50, unit: "ms" },
      { name: "p99 beside slow readers", value: beside.latency.p99, unit: "ms" },
      {
        name: "p99 beside, by p99 without",
        value: beside.latency.p99 / alone.latency.p99,
        unit: "×",
        goal: { atMost: 1.5 },
      },
      { name: "held for each slow reader", value: held, unit: "KiB", goal: { atMost: 512 } },
    ];
  },
};

async function healthy(
  { stack, issuer, programs, startEdge }: Bench,
  paused: number,
): Promise<{ readonly latency: Latency; readonly grownKiB: number }> {
  await using edge = await startEdge();
  const { pid } = edge.child.process;
  const producer = await stack.bus("demo");
  const publish = (): void => void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES));
  const count = READERS - PAUSED + paused;
  const requests = await streamRequests(issuer, BOB, count, () => "push.>");
  await using readers = await openReaders(programs, edge.ports.http, requests, count);
  await atRate({ ...LOAD, seconds: 2 }, publish);
  const before = await residentKiB(pid);
  await readers.pause(0, paused);
  await readers.resetLatency();
  await atRate(LOAD, publish);
  return { latency: await readers.latency(), grownKiB: (await residentKiB(pid)) - before };
}
