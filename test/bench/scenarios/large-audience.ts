import { setTimeout as delay } from "node:timers/promises";
import { account } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { longestStall } from "../longest-stall.ts";
import { openReaders } from "../readers.ts";
import type { Figure, Scenario } from "../scenario.ts";

const READERS = 10_000;
const SECONDS = 8;
const RATES = [1, 50, 500];

/** One audience of ten thousand: writing to all of them must not hold up the loop. */
export const largeAudience: Scenario = {
  name: "large-audience",
  about: `the loop's longest stall with ${READERS} readers of the same events, 1, 50 and 500 events a second`,
  async run({ stack, issuer, programs, startEdge }) {
    await using edge = await startEdge();
    const producer = await stack.bus("demo");
    const requests = await streamRequests(issuer, BOB, READERS, () => "push.>");
    await using readers = await openReaders(programs, edge.ports.http, requests, READERS);
    const figures: Figure[] = [];
    for (const ratePerSecond of RATES) {
      await delay(2_000);
      await longestStall(edge);
      await readers.resetLatency();
      const cost = await account(edge.child.process.pid, readers, () =>
        atRate({ ratePerSecond, seconds: SECONDS }, () => {
          void producer.js.publish("events.demo.push.event.bench", payloadOf(200));
        }),
      );
      const [stallMs, { p50, p99 }] = [await longestStall(edge), await readers.latency()];
      const rate = `${ratePerSecond}/s`;
      figures.push(
        { name: `${rate}, longest stall of the loop`, value: stallMs, unit: "ms", goal: { atMost: 50 } },
        { name: `${rate}, p50`, value: p50, unit: "ms" },
        { name: `${rate}, p99`, value: p99, unit: "ms" },
        { name: `${rate}, CPU for each delivery`, value: cost.cpuMicros, unit: "µs" },
        { name: `${rate}, of one core`, value: cost.load * 100, unit: "%" },
        {
          name: `${rate}, delivered`,
          value: (cost.delivered / (ratePerSecond * SECONDS * READERS)) * 100,
          unit: "%",
        },
      );
    }
    return figures;
  },
};
