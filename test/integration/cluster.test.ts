import { afterAll, beforeAll, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { type Cluster, startCluster } from "#test/support/start-cluster.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ workers: 1 });
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test("one of each service after the other is started again under load, and nothing is lost", async () => {
  await using run = await startClusterRun();
  const publishing = run.producer.publishSteadily(["push.event.k"], "rolling", 10);
  for (const name of ["auth-1", "policy-1", "stream-1", "publish-1"] as const) await cluster.process(name).restart();
  await publishing.stop();
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
});

/** Readers that come through the proxy. */
async function startClusterRun(): Promise<Run> {
  const { access_token: token } = await cluster.login("bob");
  const urls = [`${cluster.urls.stream}/v1/stream?topic=push.>`];
  return startRun(await cluster.bus("demo"), 4, { tenant: "demo", token, urls });
}
