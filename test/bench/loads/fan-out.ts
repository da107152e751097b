import { setTimeout as delay } from "node:timers/promises";
import { atRate, payloadOf } from "../load.ts";
import { openAll, startClients } from "../peers/clients.ts";
import type { Entrant } from "../peers/contender.ts";
import type { Programs } from "../programs.ts";
import type { Figure } from "../scenario.ts";
import { cpuDuring } from "./cpu-during.ts";
import type { Load } from "./load.ts";

const READERS = 200;
const RATES = [50, 500];
const SECONDS = 6;
const PAYLOAD_BYTES = 200;

/** One topic, some hundred readers, two rates: how late events are, what a delivery costs, and whether all came. */
export const fanOutLoad: Load = {
  name: "fan-out",
  about: "200 readers of 200-byte events, 50 and 500 events a second",
  async run(entrant, programs) {
    const figures: Figure[] = [];
    for (const rate of RATES) figures.push(...(await fanOutAt(rate, entrant, programs)));
    return figures;
  },
};

async function fanOutAt(ratePerSecond: number, entrant: Entrant, programs: Programs): Promise<Figure[]> {
  await using contender = await entrant.start();
  await using clients = await startClients(programs, contender, { requests: READERS, topics: 1 });
  await openAll(clients, READERS);
  let published = 0;
  const publish = (): void => contender.publish(0, payloadOf(PAYLOAD_BYTES, published++));
  await atRate({ ratePerSecond, seconds: 2 }, publish);
  await clients.resetLatency();
  const before = (await clients.received()).events;
  const { streams, all } = await cpuDuring(contender, async () => {
    await atRate({ ratePerSecond, seconds: SECONDS }, publish);
    await delay(500);
  });
  const delivered = (await clients.received()).events - before;
  await delay(1_000);
  const { p50, p99 } = await clients.latency();
  const { expected, lost, repeated } = await clients.losses(published, 1);
  const name = `${ratePerSecond}/s`;
  return [
    { name: `${name}, p50`, value: p50, unit: "ms" },
    { name: `${name}, p99`, value: p99, unit: "ms" },
    { name: `${name}, CPU for each delivery`, value: (streams * 1_000) / delivered, unit: "µs" },
    { name: `${name}, with all services`, value: (all * 1_000) / delivered, unit: "µs" },
    { name: `${name}, missing 1.5 s after the last`, value: (100 * lost) / expected, unit: "%" },
    { name: `${name}, repeated`, value: repeated, unit: "" },
  ];
}
