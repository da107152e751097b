import { waitFor } from "#test/support/wait.ts";
import { cpuMillis, readMetric } from "#test/support/read-metric.ts";
import type { RunningService } from "#test/support/start-service.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** A log of 30 MB that no tail holds. */
const LOG = { events: 6_000, bytes: 5_000 };
const TAIL_BYTES = "1000000";
const READERS = 50;
const CAUGHT_UP = "sluice_stream_catch_up_seconds_count";

/** What reading a log from its beginning costs the edge, for those who find everything and for those who find nothing. */
export const historyReads: Scenario = {
  name: "history-reads",
  about: `CPU of one catch-up with ${(LOG.events * LOG.bytes) / 1e6} MB of history, ${READERS} readers at once`,
  async run({ stack, issuer, programs, startEdge }: Bench) {
    await using edge = await startEdge({ STREAM_TAIL_BYTES: TAIL_BYTES });
    const producer = await stack.bus("demo");
    const topic = `push.event.history${Date.now()}`;
    await publishAll(producer, topic);
    const catchUp = async (wanted: string): Promise<number> => {
      const [cpu, done] = [await cpuMillis(edge), await readMetric(edge, CAUGHT_UP)];
      const requests = await streamRequests(issuer, BOB, READERS, () => `${wanted}&from=earliest`);
      await using readers = await openReaders(programs, edge.ports.http, requests, READERS);
      await waitFor("all have caught up", () => haveCaughtUp(edge, done + READERS), 120_000);
      await readers.received();
      return ((await cpuMillis(edge)) - cpu) / READERS;
    };
    const alone = await catchUp("push.event.warm");
    return [
      { name: "a topic that never comes, first time", value: alone, unit: "ms" },
      { name: "a topic that never comes", value: await catchUp("push.event.never"), unit: "ms" },
      { name: "all events", value: await catchUp(topic), unit: "ms" },
    ];
  },
};

async function haveCaughtUp(edge: RunningService, count: number): Promise<boolean> {
  return (await readMetric(edge, CAUGHT_UP)) >= count;
}

async function publishAll(producer: Bus, topic: string): Promise<void> {
  const payload = payloadOf(LOG.bytes);
  for (let done = 0; done < LOG.events; done += 500) {
    await Promise.all(Array.from({ length: 500 }, () => producer.js.publish(`events.demo.${topic}`, payload)));
  }
}
