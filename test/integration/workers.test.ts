import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAlive } from "#test/support/child.ts";
import { noteRights } from "#test/support/checker/administrator.ts";
import { conclude } from "#test/support/checker/audit.ts";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { createProducer } from "#test/support/checker/producer.ts";
import { type LedgerReader, startReader } from "#test/support/checker/reader.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

const STREAMS = 24;
const END = "end";
/** What starts and ends processes takes as long as the machine is busy. */
const PATIENCE_MS = 40_000;

let stack: Stack;
let edge: RunningService;
let demo: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  edge = await stack.startEdge({ STREAM_WORKERS: "2", STREAM_MAX_CONNECTIONS: "1001" });
  demo = await stack.bus("demo");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

test("streams spread over both workers, and each hears every event and every change", async () => {
  const streams = await openMany();
  await using _all = asOne(streams);
  expect(new Set(await Promise.all(streams.map(workerOf))).size).toBe(2);
  await demo.publish("events.demo.push.event.k", "for both");
  for (const stream of streams) expect(await stream.receive(1)).toEqual(["for both"]);

  await stack.setRoles("bob", ["triager"]);
  await demo.publish("events.demo.push.event.k", "for nobody");
  await demo.publish("events.demo.issues.opened.k", "for triagers");
  for (const stream of streams) expect(await stream.receive(2)).toEqual(["for both", "for triagers"]);
  await stack.setRoles("bob", ["maintainer"]);
  await demo.publish("events.demo.push.event.k", "again");
  for (const stream of streams) expect(await stream.receive(3)).toEqual(["for both", "for triagers", "again"]);
});

test("the operations port adds the workers up", async () => {
  const streams = await openMany();
  await using _all = asOne(streams);
  await Promise.all(streams.map(workerOf));
  // A client that closed may only have half-closed: its stream goes when a write to it is answered.
  await waitFor("the streams of another test are gone", async () => {
    return figure(await (await ops("/metrics")).text(), "sluice_stream_connections") === STREAMS;
  });
  const metrics = await ops("/metrics");
  expect(metrics.headers.get("content-type")).toContain("openmetrics-text");
  const text = await metrics.text();
  expect(figure(text, "sluice_stream_connections")).toBe(STREAMS);
  expect(figure(text, "sluice_stream_workers")).toBe(2);
  expect(text.match(/^# TYPE sluice_stream_handshakes counter$/gm)).toHaveLength(1);
  expect(figure(text, 'sluice_stream_handshakes_total{outcome="accepted"}')).toBeGreaterThanOrEqual(STREAMS);
  expect(text.endsWith("# EOF\n")).toBe(true);
  const connections = (await (await ops("/debug/connections")).json()) as { id: string }[];
  const ids = await Promise.all(streams.map(connectionIdOf));
  expect(connections.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect((await ops("/healthz")).status).toBe(200);
  expect((await ops("/readyz")).status).toBe(200);
});

test("each worker reads a tenant's log with one consumer", async () => {
  await using _all = asOne(await openMany());
  const manager = await (await stack.bus("policy")).manager();
  await waitFor(
    "no consumer is left of another test",
    async () => (await manager.streams.info("EVENTS_demo")).state.consumer_count <= 2,
  );
});

test("a stream is rebound through whichever worker the call comes to", async () => {
  const streams = await openMany();
  await using _all = asOne(streams);
  const ids = await Promise.all(streams.map(connectionIdOf));
  // Each call is a connection of its own, which the kernel gives to one worker or the other.
  const answers = await Promise.all(
    ids.map((id) =>
      fetch(`${urlOf(edge)}/v1/streams/${id}/token`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, connection: "close" },
      }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
  for (const stream of streams) await stream.frame("session");
});

test(
  "a worker that is killed is started again: its clients resume, and the others notice nothing",
  async () => {
    const before = figure(await (await ops("/metrics")).text(), "sluice_stream_events_delivered_total");
    const pids = await workerPids(edge);
    await using run = await startClients([edge]);
    const publishing = run.publish(1_000);
    await run.underWay();
    const ours = run.clients.map((client) => workersOf(client).at(-1));
    process.kill(pids[0] ?? 0, "SIGKILL");
    await publishing;

    expect(await run.conclude()).toMatchObject({ delivered: STREAMS * 1_001, gaps: 0, resets: 0 });
    const moved = run.clients.map(workersOf).filter((workers) => workers.length > 1);
    expect(new Set(moved.map(([worker]) => worker)).size).toBe(1);
    const stayed = ours.filter((worker) => worker !== moved[0]?.[0]);
    expect(run.clients.length - moved.length).toBe(stayed.length);

    await waitFor(
      "two run again",
      async () => {
        const now = await workerPids(edge);
        return now.length === 2 && now.includes(pids[1] ?? 0) && !now.includes(pids[0] ?? 0);
      },
      PATIENCE_MS,
    );
    const text = await waitFor(
      "the new one is counted",
      async () => {
        const metrics = await (await ops("/metrics")).text();
        return figure(metrics, "sluice_stream_workers") === 2 && metrics;
      },
      PATIENCE_MS,
    );
    expect(figure(text, "sluice_stream_worker_deaths_total")).toBe(1);
    expect(figure(text, "sluice_stream_events_delivered_total")).toBeGreaterThanOrEqual(before);
    expect(edge.child.output()).toContain("a worker died; it is started again");
  },
  2 * PATIENCE_MS,
);

test(
  "SIGHUP replaces the workers one after the other, and no stream loses or repeats anything",
  async () => {
    const pids = await workerPids(edge);
    await using run = await startClients([edge]);
    edge.child.process.kill("SIGHUP");
    await run.publishUntil(async () => {
      const now = await workerPids(edge);
      return now.length === 2 && !pids.some((pid) => now.includes(pid));
    });

    const { acknowledged, ...account } = await run.conclude();
    expect(account).toMatchObject({ delivered: STREAMS * acknowledged, gaps: 0, resets: 0 });
    expect(run.clients.every((client) => goodbyesOf(client) > 0)).toBe(true);
    expect((await ops("/readyz")).status).toBe(200);
  },
  2 * PATIENCE_MS,
);

test(
  "SIGTERM loses and repeats nothing, and leaves no process",
  async () => {
    const going = await stack.startEdge({ STREAM_WORKERS: "2" });
    const pids = await workerPids(going);
    expect(pids).toHaveLength(2);
    await using run = await startClients([going, edge]);
    const publishing = run.publish(500);
    await run.underWay();
    // As a supervisor does that signals the whole group: the workers hear it from the primary again.
    for (const pid of pids) process.kill(pid, "SIGTERM");
    expect(await going.child.end("SIGTERM")).toBe(0);
    await publishing;

    expect(await run.conclude()).toMatchObject({ delivered: STREAMS * 501, gaps: 0, resets: 0 });
    expect(run.clients.every((client) => goodbyesOf(client) === 1)).toBe(true);
    expect(pids.filter(isAlive)).toEqual([]);
  },
  2 * PATIENCE_MS,
);

test("workers whose primary is killed end their streams and themselves", async () => {
  const going = await stack.startEdge({ STREAM_WORKERS: "2" });
  const pids = await workerPids(going);
  await using stream = await openEventStream(`${urlOf(going)}/v1/stream?topic=push.>`, { token });
  await stream.frame("ready");
  await going.child.end("SIGKILL");
  expect(JSON.parse((await stream.frame("bye")).data)).toMatchObject({ reason: "drain" });
  await waitFor("the workers are gone", () => !pids.some(isAlive), PATIENCE_MS);
});

/** Clients that come back with their last id whenever their stream ends: each time to the next of the edges. */
async function startClients(edges: readonly RunningService[]) {
  const ledger: Ledger = [];
  const producer = createProducer(demo, "demo", ledger);
  const urls = edges.map((each) => `${urlOf(each)}/v1/stream?topic=push.>`);
  const clients = await Promise.all(
    Array.from({ length: STREAMS }, (_, index) => {
      const client = `client ${index}`;
      noteRights(ledger, client, ["push.>"]);
      return startReader(ledger, { client, tenant: "demo", token, urls });
    }),
  );
  const publishUntil = async (isEnough: (published: number) => boolean | Promise<boolean>): Promise<void> => {
    for (let n = 0; !(await isEnough(n)); n += 1) await producer.publish("push.event.k", String(n));
    await producer.publish("push.event.k", END);
  };
  return {
    clients,
    publishUntil,
    publish: (count: number) => publishUntil((published) => published === count),
    underWay: () => waitFor("some are delivered", () => clients.every((client) => eventsOf(client) > 50)),
    async conclude() {
      for (const client of clients) await client.complete(END, PATIENCE_MS);
      return conclude(ledger);
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))),
  };
}

function eventsOf({ frames }: LedgerReader): number {
  return frames.filter(({ event }) => event === "message").length;
}

function goodbyesOf({ frames }: LedgerReader): number {
  return frames.filter(({ event }) => event === "bye").length;
}

/** The workers it was connected to, one after the other. */
function workersOf({ frames }: LedgerReader): string[] {
  return frames.filter(({ event }) => event === "ready").map(({ data }) => workerIn(data));
}

function openMany(): Promise<EventStream[]> {
  const open = () => openEventStream(`${urlOf(edge)}/v1/stream?topic=push.>&topic=issues.>`, { token });
  return Promise.all(Array.from({ length: STREAMS }, open));
}

function asOne(streams: readonly EventStream[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => void (await Promise.all(streams.map((each) => each[Symbol.asyncDispose]()))),
  };
}

async function connectionIdOf(stream: EventStream): Promise<string> {
  const { data } = await stream.frame("ready");
  return (JSON.parse(data) as { connectionId: string }).connectionId;
}

async function workerOf(stream: EventStream): Promise<string> {
  return workerIn((await stream.frame("ready")).data);
}

function workerIn(ready: string): string {
  return (JSON.parse(ready) as { connectionId: string }).connectionId.split("-")[0] ?? "";
}

function urlOf({ ports }: RunningService): string {
  return `http://127.0.0.1:${ports.http}`;
}

function ops(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${edge.ports.ops}${path}`);
}

/** A metric's value, or the sum over its workers where each has one. */
function figure(metrics: string, name: string): number {
  const lines = metrics.split("\n").filter((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{worker=`));
  if (lines.length === 0) return Number.NaN;
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function workerPids({ child }: RunningService): Promise<number[]> {
  const pid = child.process.pid ?? 0;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}
