import { account, costRows } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const LOAD = { ratePerSecond: 500, seconds: 8 };

/** Readers that share nothing: every one is an audience by himself, and an event concerns one of them. */
export const manyTopics: Scenario = {
  name: "many-topics",
  about: "1 000 and 10 000 readers, each of a topic of his own, 500 events a second in all",
  async run(bench) {
    return [...(await readersOfTheirOwn(bench, 1_000)), ...(await readersOfTheirOwn(bench, 10_000))];
  },
};

async function readersOfTheirOwn(bench: Bench, count: number): Promise<readonly Figure[]> {
  const { stack, issuer, programs, startEdge } = bench;
  await using edge = await startEdge();
  const producer = await stack.bus("demo");
  const requests = await streamRequests(issuer, BOB, count, (index) => `push.event.reader-${index}`);
  await using readers = await openReaders(programs, edge.ports.http, requests, count);
  const cost = await account(edge.child.process.pid, readers, () =>
    atRate(LOAD, (index) => {
      // A step that has no divisor in common with the counts visits every reader.
      const reader = (index * 7_919) % count;
      void producer.js.publish(`events.demo.push.event.reader-${reader}`, payloadOf(200));
    }),
  );
  return costRows(`${count} topics`, cost, LOAD.ratePerSecond * LOAD.seconds);
}
