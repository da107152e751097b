import { cpuMillis } from "../account.ts";
import { BOB, payloadOf, streamRequests } from "../load.ts";
import { memoryDisk } from "../memory-disk.ts";
import { openReaders } from "../readers.ts";
import type { Scenario } from "../scenario.ts";
import { startNats } from "#test/support/start-nats.ts";
import { startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

const EVENTS = 200_000;

/** How many are published before the first is acknowledged: the log takes them in batches then. */
const PUBLISHED_AT_ONCE = 4_000;

/** How fast one edge reads one log: decoding, the tail, and matching for a listener whom none of the events is for. */
export const ingest: Scenario = {
  name: "ingest",
  about: `one edge catches up with ${EVENTS} events of one log, for a listener whom none of them is for`,
  async run({ issuer, programs }) {
    await using nats = await startNats(await memoryDisk());
    await using stack = await startStack({ nats, stream: { AUTH_JWKS_URL: issuer.jwksUri } });
    const { edge } = stack;
    const { pid = 0 } = edge.child.process;
    const producer = await stack.bus("demo");
    const requests = await streamRequests(issuer, BOB, 1, () => "push.event.last");
    await using readers = await openReaders(programs, edge.ports.http, requests, 1);
    // While the edge stands still the log fills: it is then read as fast as it can be.
    await freeze({ pid });
    for (let done = 0; done < EVENTS; done += PUBLISHED_AT_ONCE) {
      const publish = (): Promise<unknown> =>
        producer.js.publish("events.demo.push.event.other", payloadOf(200), { timeout: 60_000 });
      await Promise.all(Array.from({ length: PUBLISHED_AT_ONCE }, publish));
    }
    await producer.publish("events.demo.push.event.last", payloadOf(200));
    const cpuBefore = await cpuMillis(pid);
    const begin = performance.now();
    thaw({ pid });
    await waitFor("the last event", async () => (await readers.received()).events === 1, 60_000);
    const seconds = (performance.now() - begin) / 1_000;
    const cpuSeconds = ((await cpuMillis(pid)) - cpuBefore) / 1_000;
    return [
      { name: "by the clock", value: EVENTS / seconds, unit: "events/s", goal: { atLeast: 60_000 } },
      { name: "for each second of a core", value: EVENTS / cpuSeconds, unit: "events" },
    ];
  },
};
