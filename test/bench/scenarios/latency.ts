import { setTimeout as delay } from "node:timers/promises";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Scenario } from "../scenario.ts";

const READERS = 1_000;
const LOAD = { ratePerSecond: 100, seconds: 12 };

/** How long an event takes from the call of publish, through a log that is synced to disk, to a thousand readers. */
export const latency: Scenario = {
  name: "latency",
  about: "publish → receive, 100 events a second of 200 bytes to 1 000 readers",
  async run({ stack, issuer, programs, startEdge }) {
    await using edge = await startEdge();
    const producer = await stack.bus("demo");
    const publish = (): void => void producer.js.publish("events.demo.push.event.bench", payloadOf(200));
    const requests = await streamRequests(issuer, BOB, READERS, () => "push.>");
    await using readers = await openReaders(programs, edge.ports.http, requests, READERS);
    await atRate({ ...LOAD, seconds: 3 }, publish);
    await readers.resetLatency();
    await atRate(LOAD, publish);
    await delay(500);
    const { p50, p99, max } = await readers.latency();
    return [
      { name: "p50", value: p50, unit: "ms", goal: { atMost: 5 } },
      { name: "p99", value: p99, unit: "ms", goal: { atMost: 25 } },
      { name: "longest", value: max, unit: "ms" },
    ];
  },
};
