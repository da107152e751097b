import { cp, mkdtemp, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noteCause } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import type { LedgerReader } from "#test/support/checker/reader.ts";
import { type Run, startRun as startRunOf } from "#test/support/checker/start-run.ts";
import { mountSmallDisk, type SmallDisk } from "#test/support/small-disk.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type Stack, startStack, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

let disk: SmallDisk | undefined;
let nats: NatsServer;
/** Between the edge and the broker, and between a producer and the broker. */
let edgeToBus: TcpProxy;
let producerToBus: TcpProxy;
let stack: Stack;
let token: string;

beforeAll(async () => {
  disk = await mountSmallDisk();
  nats = await startNats(disk === undefined ? {} : { disk: disk.path });
  edgeToBus = await startTcpProxy(nats.port);
  producerToBus = await startTcpProxy(nats.port);
  stack = await startStack({
    nats,
    stream: { NATS_URL: urlThrough(edgeToBus.port, nats.url("stream")) },
    // As small as it may be: an overrun shall not take long.
    policy: { POLICY_HISTORY_MAX_BYTES: String(1024 * 1024) },
  });
  token = (await stack.login("bob")).access_token;
});
afterAll(async () => {
  for (const each of [stack, edgeToBus, producerToBus, nats, disk]) await each?.[Symbol.asyncDispose]();
});

describe("a network that fails", () => {
  test("between edge and broker, in every way, costs no event and no connection", async () => {
    await using run = await startRun(3);
    const publishing = run.producer.publishSteadily(["push.event.k"], "edge", 10);
    for (const mode of ["reset", { delayMs: 150 }, "half-close", "trickle"] as const) {
      edgeToBus.set(mode);
      await delay(800);
      edgeToBus.set("pass");
      await delay(400);
    }
    edgeToBus.set("blackhole");
    const [first] = run.readers as [LedgerReader];
    expect(JSON.parse((await first.frame("degraded")).data)).toEqual({ reason: "log" });
    edgeToBus.set("pass");
    await first.frame("recovered");
    await publishing.stop();
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
    expect(run.readers.map(({ connections }) => connections)).toEqual([0, 0, 0]);
  });

  test("between producer and broker, in every way, costs no acknowledged event and repeats none", async () => {
    await using run = await startRun(2);
    const producer = createProducer(await stack.bus("demo", producerToBus.port), "demo", run.ledger);
    const publishing = producer.publishSteadily(["push.event.k"], "producer", 10);
    for (const mode of ["reset", { delayMs: 150 }, "half-close", "trickle", "blackhole"] as const) {
      producerToBus.set(mode);
      await delay(400);
      producerToBus.set("pass");
      await delay(200);
    }
    await publishing.stop();
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
  });
});

describe("a broker", () => {
  test("that stands still, and is killed, and starts again, costs no event and no connection", async () => {
    await using run = await startRun(3);
    const publishing = run.producer.publishSteadily(["push.event.k"], "broker", 10);
    await delay(300);
    await freeze(nats);
    await delay(1_500);
    thaw(nats);
    await delay(500);
    await nats.stop("SIGKILL");
    await delay(500);
    await nats.start();
    await delay(500);
    await publishing.stop();
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
    expect(run.readers.map(({ connections }) => connections)).toEqual([0, 0, 0]);
  });

  test("whose disk is full acknowledges nothing, keeps what it has, and goes on when it has room and is started again", async (context) => {
    if (disk === undefined) return context.skip("nothing may be mounted here");
    await using run = await startRun(2);
    await run.producer.publish("push.event.k", "before");
    await disk.fill();
    // As many as wait for their acknowledgement at most have room in the log, however long the disk is full.
    const publishing = run.producer.publishSteadily(["push.event.k"], `full ${"x".repeat(2_000)}`, 20);
    await waitFor("one is refused", () => run.ledger.some(({ of }) => of === "unacknowledged"));
    const acknowledged = run.ledger.filter(({ of }) => of === "acknowledged").length;
    await delay(1_000);
    expect(run.ledger.filter(({ of }) => of === "acknowledged").length).toBe(acknowledged);
    await disk.free();
    await nats.stop("SIGTERM");
    await nats.start();
    await publishing.stop();
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 0 });
  });

  test("that comes back without its last entries is told as reset, to who was live and to who comes back; who was live gets all that is new", async () => {
    await using run = await startRun(2);
    await run.producer.publish("push.event.k", "kept");
    await nats.stop("SIGTERM");
    const copy = await mkdtemp(`${nats.storeDir}-copy-`);
    await cp(nats.storeDir, copy, { recursive: true });
    await nats.start();
    for (let n = 0; n < 5; n += 1) await run.producer.publish("push.event.k", `lost ${n}`);
    await run.reach("lost 4");
    await nats.stop("SIGKILL");
    await rm(nats.storeDir, { recursive: true });
    await cp(copy, nats.storeDir, { recursive: true });
    await rm(copy, { recursive: true });
    noteCause(run.ledger, "demo", "reset", "tail_lost");
    run.readers[1]?.hop();
    edgeToBus.set("reset");
    await nats.start();
    // Under the numbers of those that are lost, and on: the edge does not know yet.
    const others = Array.from({ length: 9 }, (_, n) => `other ${n}`);
    for (const text of others) await run.producer.publish("push.event.k", text);
    edgeToBus.set("pass");
    await Promise.all(run.readers.map((reader) => reader.frame("reset")));
    const live = run.readers[0]!;
    await Promise.all(others.map((text) => live.frame(({ data }) => data === text)));
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 2 });
  });
});

describe("a log", () => {
  test("that overran while the edge was cut off is told as a gap, to who was live and to who comes back", async () => {
    await using run = await startRun(2);
    await run.producer.publish("push.event.k", "before");
    await run.reach("before");
    edgeToBus.set("reset");
    run.readers[1]?.hop();
    const pad = "x".repeat(20_000);
    const overrun = Array.from({ length: 80 }, (_, n) => run.producer.publish("push.event.k", `overrun ${n} ${pad}`));
    await Promise.all(overrun);
    noteCause(run.ledger, "demo", "gap", "retention");
    edgeToBus.set("pass");
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 2, resets: 0 });
  });

  test("that is purged takes nothing from who is live, and is told as a gap to who was behind", async () => {
    await using run = await startRun(1);
    await run.producer.publish("push.event.k", "before");
    await run.reach("before");
    const [live] = run.readers;
    const after = live?.frames.findLast(({ id }) => id !== undefined)?.id ?? "";
    for (let n = 0; n < 10; n += 1) await run.producer.publish("push.event.k", `purged ${n}`);
    await run.reach("purged 9");
    await (await manager()).streams.purge("EVENTS_demo");
    for (const reason of ["retention", "purged"]) noteCause(run.ledger, "demo", "gap", reason);
    // An edge of its own, that has nothing of it in memory.
    await using other = await stack.startEdge();
    const late = await run.join("late", { urls: [streamUrl(other.ports.http)], after });
    await late.frame("gap");
    await run.producer.publish("push.event.k", "after");
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 1, resets: 0 });
    expect(live?.frames.some(({ event }) => event === "gap")).toBe(false);
  });

  test("that is made anew while producers publish is told as reset, to who is live and to who comes back", async () => {
    await using run = await startRun(2);
    await run.producer.publish("push.event.k", "old");
    await run.reach("old");
    const { streams } = await manager();
    const { config } = await streams.info("EVENTS_demo");
    noteCause(run.ledger, "demo", "reset", "epoch");
    await streams.delete("EVENTS_demo");
    run.readers[1]?.hop();
    const publishing = run.producer.publishSteadily(["push.event.k"], "new", 10);
    // The server removes a stream's files a moment after it has said so; until then it cannot make the new one.
    const anew = { ...config, metadata: { sluice_epoch: "ffffffffffff" } };
    await waitFor("the log is made anew", () =>
      streams.add(anew).then(
        () => true,
        () => false,
      ),
    );
    await Promise.all(run.readers.map((reader) => reader.frame("reset")));
    await publishing.stop();
    await run.end();
    expect(conclude(run.ledger)).toMatchObject({ gaps: 0, resets: 2 });
  });
});

test("a log that is made anew begins for everybody at its start, whoever noticed first", async () => {
  const url = streamUrl(stack.edge.ports.http);
  await using open = await openEventStream(url, { token });
  await open.frame("ready");
  const demo = await stack.bus("demo");
  await demo.publish("events.demo.push.event.k", "old");
  await open.receive(1);
  const lastEventId = open.lastId() ?? "";
  const { streams } = await manager();
  const { config } = await streams.info("EVENTS_demo");
  edgeToBus.set("reset");
  await streams.delete("EVENTS_demo");
  const anew = { ...config, metadata: { sluice_epoch: "eeeeeeeeeeee" } };
  await waitFor("the log is made anew", () => streams.add(anew).then(Boolean, () => false));
  for (const text of ["new 1", "new 2"]) await demo.publish("events.demo.push.event.k", text);
  await using early = await openEventStream(`${url}&from=earliest`, { token, lastEventId });
  await early.frame("ready");
  edgeToBus.set("pass");
  expect(await open.receive(3)).toEqual(["old", "new 1", "new 2"]);
  expect(await early.receive(2)).toEqual(["new 1", "new 2"]);
  await using late = await openEventStream(`${url}&from=earliest`, { token, lastEventId });
  expect(await late.receive(2)).toEqual(["new 1", "new 2"]);
  for (const stream of [open, early, late]) expect(JSON.parse((await stream.frame("reset")).data).reason).toBe("epoch");
});

async function startRun(readers: number): Promise<Run> {
  const url = streamUrl(stack.edge.ports.http);
  return startRunOf(await stack.bus("demo"), readers, { tenant: "demo", token, urls: [url] });
}

function streamUrl(port: number): string {
  return `http://127.0.0.1:${port}/v1/stream?topic=push.>&topic=issues.>`;
}

async function manager() {
  return (await stack.bus("policy")).manager();
}
