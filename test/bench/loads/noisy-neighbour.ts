import { setTimeout as delay } from "node:timers/promises";
import { atRate, payloadOf } from "../load.ts";
import { type Clients, openAll, startClients } from "../peers/clients.ts";
import type { Contender } from "../peers/contender.ts";
import type { Programs } from "../programs.ts";
import type { Latency } from "../readers.ts";
import type { Load } from "./load.ts";

const QUIET = { readers: 40, ratePerSecond: 10 };
/** Of 50 times the traffic, with four of five connections. */
const NOISY = { readers: 160, ratePerSecond: 500 };
/** Of few events a second, the slowest hundredth must be more than one. */
const SECONDS = 15;

/** A tenant (elsewhere: a topic) with little to deliver, while another delivers nothing and while it delivers very much. */
export const noisyNeighbourLoad: Load = {
  name: "noisy-neighbour",
  about:
    "40 readers with 10 events/s, alone and beside 160 of another tenant (elsewhere: another topic) with 500 events/s",
  async run(entrant, programs) {
    await using contender = await entrant.start();
    await using quiet = await startReaders(programs, contender, "rival", QUIET.readers);
    await using noisy = await startReaders(programs, contender, "demo", NOISY.readers);
    const alone = await measureQuiet(contender, quiet, 0);
    const beside = await measureQuiet(contender, quiet, NOISY.ratePerSecond);
    const { events } = await noisy.received();
    return [
      { name: "p50 alone", value: alone.p50, unit: "ms" },
      { name: "p99 alone", value: alone.p99, unit: "ms" },
      { name: "p50 beside the noisy one", value: beside.p50, unit: "ms" },
      { name: "p99 beside the noisy one", value: beside.p99, unit: "ms" },
      { name: "p99 beside, by p99 alone", value: beside.p99 / alone.p99, unit: "×" },
      { name: "of the noisy one's events delivered", value: (100 * events) / everyNoisyDelivery(), unit: "%" },
    ];
  },
};

function everyNoisyDelivery(): number {
  return NOISY.ratePerSecond * SECONDS * NOISY.readers;
}

async function startReaders(
  programs: Programs,
  contender: Contender,
  owner: "demo" | "rival",
  count: number,
): Promise<Clients> {
  const clients = await startClients(programs, contender, { requests: count, topics: 1, owner });
  await openAll(clients, count);
  return clients;
}

async function measureQuiet(contender: Contender, quiet: Clients, noisyPerSecond: number): Promise<Latency> {
  await delay(1_000);
  await quiet.resetLatency();
  await Promise.all([
    atRate({ ...QUIET, seconds: SECONDS }, () => contender.publish(0, payloadOf(200), "rival")),
    atRate({ ratePerSecond: noisyPerSecond, seconds: SECONDS }, () => contender.publish(0, payloadOf(200), "demo")),
  ]);
  await delay(500);
  return quiet.latency();
}
