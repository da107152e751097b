import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterFaults, type ClusterFaults, findLeader } from "#test/support/cluster-faults.ts";
import { startClusterLoad } from "#test/support/cluster-load.ts";
import { type Cluster, startCluster } from "#test/support/start-cluster.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

/** Of faults, in a soak; in the suite there are some of them. */
const soakSeconds = amountOf("cluster", 0);

let cluster: Cluster;
let operator: Bus;

beforeAll(async () => {
  cluster = await startCluster({
    workers: soakSeconds === 0 ? 1 : 2,
    env: { auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600" } },
  });
  operator = await cluster.bus("policy");
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test("while brokers are started again, one after the other, readers are told nothing", async () => {
  const load = await startClusterLoad(cluster);
  const leader = await findLeader(operator);
  await cluster.process(`nats-${(leader + 1) as 1 | 2 | 3}`).restart();
  expect(await load.end()).toMatchObject({ gaps: 0, resets: 0 });
  expect(load.steady.flatMap(({ frames }) => frames).map(({ event }) => event)).not.toContain("degraded");
  expect(load.cuts).toBe(0);
});

test(
  "whatever is killed, cut off or started again under load: nothing is lost, nothing comes twice, and nothing after a revoke",
  async () => {
    const faults = clusterFaults(cluster, operator, { awayMs: soakSeconds === 0 ? 500 : 7_000 });
    const load = await startClusterLoad(cluster);
    if (soakSeconds === 0) await runSome(faults);
    else await runAll(faults, performance.now() + soakSeconds * 1_000);
    const account = await load.end();
    if (soakSeconds > 0)
      process.stdout.write(
        `${load.changes} changes of rights; longest without a login ${Math.round(load.longestWithoutLogin)} ms\n`,
      );
    expect(account).toMatchObject({ gaps: 0, resets: 0 });
    expect(load.longestWithoutLogin).toBeLessThan(15_000);
  },
  timeoutOf(60_000),
);

async function runSome(faults: ClusterFaults): Promise<void> {
  const names = ["the leader is killed", "auth-1", "policy-1", "publish-1", "stream-1"];
  for (const name of names) await (faults[name] ?? faults[`${name} is started again`])?.();
}

async function runAll(faults: ClusterFaults, until: number): Promise<void> {
  for (;;) {
    for (const [name, fault] of Object.entries(faults)) {
      const begin = performance.now();
      await fault();
      process.stdout.write(`${name}: ${Math.round(performance.now() - begin)} ms\n`);
      if (performance.now() > until) return;
    }
  }
}
