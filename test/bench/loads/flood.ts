import { atRate, payloadOf } from "../load.ts";
import { openAll, startClients } from "../peers/clients.ts";
import { cpuDuring } from "./cpu-during.ts";
import type { Load } from "./load.ts";

const STREAMS = 200;
const RATE_PER_SECOND = 50;
const CALM_SECONDS = 6;
const OFFERED = 6_000;
const AT_A_TIME = 64;

/** A server that is full, and is offered thousands of streams more: what a refusal costs, and what open streams notice. */
export const floodLoad: Load = {
  name: "flood",
  about:
    "a server that holds 200 streams, full, is offered 6 000 more: what a refusal costs, and what open streams notice",
  async run(entrant, programs) {
    if (!entrant.hasStreamLimit) return [];
    await using contender = await entrant.start({ maxStreams: STREAMS });
    await using readers = await startClients(programs, contender, { requests: STREAMS, topics: 1 });
    await using crowd = await startClients(programs, contender, { requests: OFFERED, topics: 1 });
    await openAll(readers, STREAMS);
    const publish = (): void => contender.publish(0, payloadOf(200));
    const atCalm = { ratePerSecond: RATE_PER_SECOND, seconds: CALM_SECONDS };
    await atRate({ ...atCalm, seconds: 2 }, publish);
    await readers.resetLatency();
    const calm = await cpuDuring(contender, () => atRate(atCalm, publish));
    const before = await readers.latency();

    await readers.resetLatency();
    const timer = setInterval(publish, 1_000 / RATE_PER_SECOND);
    const begin = performance.now();
    let refused = 0;
    const flooded = await cpuDuring(contender, async () => {
      ({ refused } = await crowd.visit(OFFERED, 0, AT_A_TIME));
    });
    const seconds = (performance.now() - begin) / 1_000;
    clearInterval(timer);
    const during = await readers.latency();
    const spent = flooded.streams - (calm.streams * seconds) / CALM_SECONDS;
    return [
      { name: "refused", value: (100 * refused) / OFFERED, unit: "%" },
      { name: "refusals a second", value: refused / seconds, unit: "/s" },
      { name: "CPU for each refusal", value: (spent * 1_000) / refused, unit: "µs" },
      { name: "p99 of open streams, calm", value: before.p99, unit: "ms" },
      { name: "p99 of open streams, flooded", value: during.p99, unit: "ms" },
      { name: "p99 flooded, by p99 calm", value: during.p99 / before.p99, unit: "×" },
    ];
  },
};
