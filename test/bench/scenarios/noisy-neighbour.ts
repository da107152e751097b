import { setTimeout as delay } from "node:timers/promises";
import { atRate, BOB, MALLORY, payloadOf, type Person, streamRequests } from "../load.ts";
import { longestStall } from "../longest-stall.ts";
import { type Latency, openReaders } from "../readers.ts";
import type { Bench, Scenario } from "../scenario.ts";

const QUIET = { readers: 200, ratePerSecond: 10, seconds: 20 };
/** Of 50 times the traffic, with four of five connections. */
const NOISY = { readers: 800, ratePerSecond: 500 };

/** A tenant beside another one that has most of the traffic and of the connections: what the quiet one notices. */
export const noisyNeighbour: Scenario = {
  name: "noisy-neighbour",
  about: "200 readers of a tenant with 10 events/s, alone and beside a tenant with 800 readers and 500 events/s",
  async run(bench) {
    const alone = await quietTenant(bench, 0);
    const beside = await quietTenant(bench, NOISY.ratePerSecond);
    return [
      { name: "p50 alone", value: alone.latency.p50, unit: "ms" },
      { name: "p99 alone", value: alone.latency.p99, unit: "ms" },
      { name: "p50 beside the noisy one", value: beside.latency.p50, unit: "ms" },
      { name: "p99 beside the noisy one", value: beside.latency.p99, unit: "ms" },
      {
        name: "p99 beside, by p99 alone",
        value: beside.latency.p99 / alone.latency.p99,
        unit: "×",
        goal: { atMost: 1.5 },
      },
      { name: "longest stall of the loop", value: beside.stallMs, unit: "ms", goal: { atMost: 50 } },
    ];
  },
};

async function quietTenant(
  { stack, issuer, programs, startEdge }: Bench,
  noisyRate: number,
): Promise<{ readonly latency: Latency; readonly stallMs: number }> {
  await using edge = await startEdge();
  const { http } = edge.ports;
  const requestsOf = (person: Person, count: number): Promise<string[]> =>
    streamRequests(issuer, person, count, () => "push.>");
  const [quiet, noisy] = [await stack.bus("rival"), await stack.bus("demo")];
  await using readers = await openReaders(programs, http, await requestsOf(MALLORY, QUIET.readers), QUIET.readers);
  await using others = await openReaders(programs, http, await requestsOf(BOB, NOISY.readers), NOISY.readers);
  await delay(2_000);
  await readers.resetLatency();
  await longestStall(edge);
  await Promise.all([
    atRate(QUIET, () => void quiet.js.publish("events.rival.push.event.bench", payloadOf(200))),
    atRate({ ratePerSecond: noisyRate, seconds: QUIET.seconds }, () => {
      void noisy.js.publish("events.demo.push.event.bench", payloadOf(200));
    }),
  ]);
  await delay(500);
  const stallMs = await longestStall(edge);
  if (noisyRate > 0 && (await others.received()).events === 0) throw new Error("the noisy tenant received nothing");
  return { latency: await readers.latency(), stallMs };
}
