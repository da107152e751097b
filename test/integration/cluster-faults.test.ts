import { afterAll, beforeAll, expect, test } from "vitest";
import { conclude } from "#test/support/checker/audit.ts";
import type { LedgerReader } from "#test/support/checker/reader.ts";
import { type Run, startRun } from "#test/support/checker/start-run.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
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
  await cluster?.[Symbol.asyncDispose]();
});

test("an edge that is cut off with its broker, which beats on, says that delivery stands still, and catches up", async () => {
  await using run = await startRun(await stack.bus("demo"), 2, { tenant: "demo", token, urls: urls.slice(0, 1) });
  const publishing = run.producer.publishSteadily(["push.event.k"], "minority", 10);
  await lead(0);
  await placeConsumer(1);
  cluster.isolate(1);
  await toldAll(run.readers, "degraded");
  cluster.isolate(undefined);
  await toldAll(run.readers, "recovered");
  await publishing.stop();
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
});

test("a leader that stands still with an edge on it costs no event, and is told as degraded there", async () => {
  await holdLeader(
    () => freeze(cluster.nodes[2]),
    () => thaw(cluster.nodes[2]),
  );
});

test("a leader that is cut off with an edge on it costs no event, and is told as degraded there", async () => {
  await holdLeader(
    () => cluster.isolate(2),
    () => cluster.isolate(undefined),
  );
});

/** Holds up the third broker while it leads and events flow, until its edge has told that, and then that it goes on. */
async function holdLeader(hold: () => unknown, release: () => void): Promise<void> {
  await using run = await startWideRun();
  const publishing = run.producer.publishSteadily(["push.event.k"], "held", 10);
  await lead(2);
  await hold();
  await toldAll(run.readers.slice(2), "degraded");
  release();
  await toldAll(run.readers.slice(2), "recovered");
  await publishing.stop();
  await run.end();
  expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
  expect(run.readers.map(({ connections }) => connections)).toEqual([0, 0, 0]);
}

/** Two readers on the edge at the second broker, one on the edge at the third. */
async function startWideRun(): Promise<Run> {
  const run = await startRun(await stack.bus("demo"), 2, { tenant: "demo", token, urls: urls.slice(0, 1) });
  await run.join("reader 2", { urls: urls.slice(1) });
  return run;
}

async function toldAll(readers: readonly LedgerReader[], event: string): Promise<void> {
  await Promise.all(readers.map((reader) => reader.frame(event, 20_000)));
}

/** Has that node lead the log. */
async function lead(node: number): Promise<void> {
  const preferred = `nats-${node + 1}`;
  const { streams } = await operator.manager();
  await waitFor(`${preferred} leads`, async () => {
    const { config, cluster: group } = await streams
      .info("EVENTS_demo")
      .catch(() => ({ config: undefined, cluster: undefined }));
    if (config?.num_replicas !== 3 || group?.replicas?.every(({ current }) => current) !== true) return false;
    if (group.leader === preferred) return true;
    const request = JSON.stringify({ placement: { preferred } });
    await operator.connection.request("$JS.API.STREAM.LEADER.STEPDOWN.EVENTS_demo", request).catch(() => undefined);
    return false;
  });
}

/** Has the one consumer of the log live on that node. */
async function placeConsumer(node: number): Promise<void> {
  const { consumers } = await operator.manager();
  const placed = new Set<string>();
  await waitFor("the consumer lives there", async () => {
    for await (const { name, cluster: group } of consumers.list("EVENTS_demo")) {
      if (group?.leader === `nats-${node + 1}`) return true;
      // Its edge makes another one, somewhere; it may have done so since the list was made.
      if (!placed.has(name)) await consumers.delete("EVENTS_demo", name).catch(() => undefined);
      placed.add(name);
    }
    return false;
  });
}
