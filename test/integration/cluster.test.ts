import { afterAll, beforeAll, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import { startRun } from "#test/support/checker/start-run.ts";
import { startClusterLoad } from "#test/support/cluster-load.ts";
import { type Cluster, type ClusterProcessName, startCluster } from "#test/support/start-cluster.ts";
import { leaderOf } from "#test/support/start-nats-cluster.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let cluster: Cluster;
let operator: Bus;

beforeAll(async () => {
  cluster = await startCluster({
    workers: 1,
    env: { auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600" } },
    change: async (name, usual) => (name === "stream-2" ? { ...usual, NATS_URL: lastOf(usual["NATS_URL"]) } : usual),
  });
  operator = await cluster.bus("policy");
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test("the leader is killed and a process of each service started again: nothing is lost, comes twice, or comes after a revoke", async () => {
  const load = await startClusterLoad(cluster, operator);
  const restarts = async (...names: readonly ClusterProcessName[]): Promise<void> => {
    for (const name of names) await cluster.process(name).restart();
  };
  const leader = cluster.process((await leaderOf(operator, "demo")) as ClusterProcessName);
  await leader.kill();
  await Promise.all([leader.restart(), restarts("auth-1", "policy-1", "publish-1", "stream-1")]);
  expect(await load.end()).toMatchObject({ gaps: 0, resets: 0 });
}, 120_000);

test("an edge that is cut off with its broker, which beats on, says that delivery stands still, and catches up", async () => {
  // While its broker was down it may have gone to another one, of which that had told it.
  await cluster.process("stream-2").restart();
  const token = (await cluster.login("bob")).access_token;
  const urls = [`http://127.0.0.1:${cluster.ports("stream-2").http}/v1/stream?topic=push.>`];
  await using run = await startRun(await cluster.bus("demo"), 2, { tenant: "demo", token, urls });
  const publishing = run.producer.publishSteadily(["push.event.k"], "minority", 10);
  await leadElsewhere("nats-3");
  await placeConsumer("nats-3");
  cluster.nats.isolate(2);
  for (const reader of run.readers) await reader.frame("degraded");
  cluster.nats.isolate(undefined);
  for (const reader of run.readers) await reader.frame("recovered");
  await publishing.stop();
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
  expect(run.readers.map(({ connections }) => connections)).toEqual([0, 0]);
}, 120_000);

/** The same user at the last broker alone. */
function lastOf(natsUrl = ""): string {
  return natsUrl.replace(/@.*,/, "@");
}

/** Has another broker lead the log. */
async function leadElsewhere(than: string): Promise<void> {
  await waitFor("another one leads", async () => {
    if ((await leaderOf(operator, "demo")) !== than) return true;
    await operator.connection.request("$JS.API.STREAM.LEADER.STEPDOWN.EVENTS_demo").catch(() => undefined);
    return false;
  });
}

/** Has the one consumer of the log live on that broker. */
async function placeConsumer(broker: string): Promise<void> {
  const { consumers } = await operator.manager();
  const placed = new Set<string>();
  await waitFor(
    "the consumer lives there",
    async () => {
      for await (const { name, cluster: group } of consumers.list("EVENTS_demo")) {
        if (group?.leader === broker) return true;
        // Its edge makes another one, somewhere; it may have done so since the list was made.
        if (!placed.has(name)) await consumers.delete("EVENTS_demo", name).catch(() => undefined);
        placed.add(name);
      }
      return false;
    },
    30_000,
  );
}
