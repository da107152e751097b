import { account, costRows } from "../account.ts";
import { atRate, BOB, MALLORY, payloadOf, type Person, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Scenario } from "../scenario.ts";

const READERS_EACH = 500;
const LOAD = { ratePerSecond: 50, seconds: 8 };

/** Two tenants on one edge, both busy: each has its own feed, tail, audiences. */
export const mixedTenants: Scenario = {
  name: "mixed-tenants",
  about: "two tenants with 500 readers and 50 events a second each",
  async run({ stack, issuer, programs, startEdge }) {
    await using edge = await startEdge();
    const producers = { demo: await stack.bus("demo"), rival: await stack.bus("rival") };
    const requestsOf = (person: Person): Promise<string[]> =>
      streamRequests(issuer, person, READERS_EACH, () => "push.>");
    const requests = [...(await requestsOf(BOB)), ...(await requestsOf(MALLORY))];
    await using readers = await openReaders(programs, edge.ports.http, requests, 2 * READERS_EACH);
    const cost = await account(edge.child.process.pid, readers, () =>
      atRate(LOAD, () => {
        for (const [tenant, { js }] of Object.entries(producers)) {
          void js.publish(`events.${tenant}.push.event.bench`, payloadOf(200));
        }
      }),
    );
    return costRows("two tenants", cost, LOAD.ratePerSecond * LOAD.seconds * 2 * READERS_EACH);
  },
};
