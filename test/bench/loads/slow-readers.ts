import { setTimeout as delay } from "node:timers/promises";
import { residentKiB } from "../account.ts";
import { atRate, payloadOf } from "../load.ts";
import { openAll, startClients } from "../peers/clients.ts";
import type { Load } from "./load.ts";

const READERS = 200;
const PAUSED = 200;
/** More for each reader than the largest buffers of a kernel (4 MB in Linux as it comes) take. */
const RATE = { ratePerSecond: 25, seconds: 14 };
const PAYLOAD_BYTES = 20_000;

/** Readers of large events, alone and beside as many that stop reading: what the others notice, and what is held for these. */
export const slowReadersLoad: Load = {
  name: "slow-readers",
  about: "200 readers of 20 KB events, alone and beside 200 that read nothing",
  async run(entrant, programs) {
    await using contender = await entrant.start();
    await using readers = await startClients(programs, contender, { requests: READERS, topics: 1 });
    await using slow = await startClients(programs, contender, { requests: PAUSED, topics: 1 });
    await openAll(readers, READERS);
    let published = 0;
    const publish = (): void => contender.publish(0, payloadOf(PAYLOAD_BYTES, published++));
    await atRate({ ...RATE, seconds: 2 }, publish);
    await readers.resetLatency();
    await atRate({ ...RATE, seconds: 6 }, publish);
    const alone = await readers.latency();

    await openAll(slow, PAUSED);
    const before = await residentKiB(contender.pid);
    await slow.pause(0, PAUSED);
    await readers.resetLatency();
    await atRate(RATE, publish);
    const beside = await readers.latency();
    const held = ((await residentKiB(contender.pid)) - before) / PAUSED;
    await slow.resume(0, PAUSED);
    // What the kernels hold for them has to be read before an end can be seen.
    await delay(4_000);
    const { closed } = await slow.received();
    const { lost } = await readers.losses(published, 1);
    return [
      { name: "p99 alone", value: alone.p99, unit: "ms" },
      { name: "p99 beside those that read nothing", value: beside.p99, unit: "ms" },
      { name: "p99 beside, by p99 alone", value: beside.p99 / alone.p99, unit: "×" },
      { name: "held for each that reads nothing", value: held, unit: "KiB" },
      { name: "of these cut off", value: (100 * closed) / PAUSED, unit: "%" },
      { name: "missing for the others 4 s after the last", value: lost, unit: "" },
    ];
  },
};
