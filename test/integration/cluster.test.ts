import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterFaults, type ClusterFaults } from "#test/support/cluster-faults.ts";
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

test(
  "whatever is killed, cut off or started again under load: nothing is lost, nothing comes twice, and nothing after a revoke",
  async () => {
    const faults = clusterFaults(cluster, operator, { awayMs: soakSeconds === 0 ? 500 : 7_000 });
    const load = await startClusterLoad(cluster, operator);
    if (soakSeconds === 0) await runSome(faults);
    else await runAll(faults, performance.now() + soakSeconds * 1_000);
    expect(await load.end()).toMatchObject({ gaps: 0, resets: 0 });
    if (soakSeconds > 0) process.stdout.write(`${load.changes} changes of rights\n`);
  },
  timeoutOf(60_000),
);

// A server that is told to go takes some 10 s for that.
describe.skipIf(soakSeconds === 0)("readers are told nothing, and none of their connections is cut,", () => {
  test.each([1, 2, 3] as const)(
    "while broker %i is told to go and started again",
    { timeout: timeoutOf(0) },
    async (n) => {
      const load = await startClusterLoad(cluster, operator);
      const broker = cluster.process(`nats-${n}`);
      await broker.end("SIGUSR2");
      await broker.restart();
      expect(await load.end()).toMatchObject({ gaps: 0, resets: 0 });
      expect(load.steady.flatMap(({ frames }) => frames).map(({ event }) => event)).not.toContain("degraded");
      expect(load.cuts).toBe(0);
    },
  );
});

/** The brokers lose their leader while one process of each service after the other is started again. */
async function runSome(faults: ClusterFaults): Promise<void> {
  const rolling = async (): Promise<void> => {
    for (const name of ["auth-1", "policy-1", "publish-1", "stream-1"]) await faults[`${name} is started again`]?.();
  };
  await Promise.all([faults["the leader is killed"]?.(), rolling()]);
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
