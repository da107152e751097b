import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { type Acknowledged, audit, type Delivered } from "#test/support/ledger.ts";
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
    const acknowledged: Acknowledged[] = [];
    const clients = await Promise.all(Array.from({ length: STREAMS }, () => startClient(() => urlOf(edge))));
    const publishing = publishAll(acknowledged, 1_000);
    await waitFor("some are delivered", () => clients.every(({ delivered }) => delivered.length > 50));
    const ours = clients.map(({ workers }) => workers.at(-1));
    process.kill(pids[0] ?? 0, "SIGKILL");
    await publishing;
    for (const { done } of clients) await done;

    const ledgers = clients.map(({ delivered }) => ({ maySee: () => true, delivered }));
    const account = audit(acknowledged, ledgers);
    expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, forbidden: 0 });
    expect(account.delivered).toBe(STREAMS * 1_001);
    const moved = clients.filter(({ workers }) => workers.length > 1);
    expect(new Set(moved.map(({ workers }) => workers[0])).size).toBe(1);
    const stayed = ours.filter((worker) => worker !== moved[0]?.workers[0]);
    expect(clients.length - moved.length).toBe(stayed.length);

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
    const acknowledged: Acknowledged[] = [];
    const clients = await Promise.all(Array.from({ length: STREAMS }, () => startClient(() => urlOf(edge))));
    edge.child.process.kill("SIGHUP");
    const publishing = publishUntil(acknowledged, async () => {
      const now = await workerPids(edge);
      return now.length === 2 && !pids.some((pid) => now.includes(pid));
    });
    await publishing;
    for (const { done } of clients) await done;

    const ledgers = clients.map(({ delivered }) => ({ maySee: () => true, delivered }));
    const account = audit(acknowledged, ledgers);
    expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, forbidden: 0 });
    expect(account.delivered).toBe(STREAMS * acknowledged.length);
    expect(clients.every(({ goodbyes }) => goodbyes() > 0)).toBe(true);
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
    const acknowledged: Acknowledged[] = [];
    let place = going;
    const clients = await Promise.all(Array.from({ length: STREAMS }, () => startClient(() => urlOf(place))));
    const publishing = publishAll(acknowledged, 500);
    await waitFor("some are delivered", () => clients.every(({ delivered }) => delivered.length > 50));
    place = edge;
    // As a supervisor does that signals the whole group: the workers hear it from the primary again.
    for (const pid of pids) process.kill(pid, "SIGTERM");
    expect(await going.child.end("SIGTERM")).toBe(0);
    await publishing;
    for (const { done } of clients) await done;

    const ledgers = clients.map(({ delivered }) => ({ maySee: () => true, delivered }));
    const account = audit(acknowledged, ledgers);
    expect(account).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, forbidden: 0 });
    expect(account.delivered).toBe(STREAMS * 501);
    expect(clients.every(({ goodbyes }) => goodbyes() === 1)).toBe(true);
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

interface Client {
  readonly delivered: readonly Delivered[];
  /** The workers it was connected to, one after the other. */
  readonly workers: readonly string[];
  readonly goodbyes: () => number;
  readonly done: Promise<void>;
}

/** A client that comes back with its last id whenever its stream ends, until it has seen the end. */
async function startClient(url: () => string): Promise<Client> {
  const delivered: Delivered[] = [];
  const workers: string[] = [];
  let goodbyes = 0;
  const connected = Promise.withResolvers<void>();
  const follow = async (): Promise<void> => {
    for (let lastEventId: string | undefined; delivered.at(-1)?.text !== END;) {
      const options = { token, ...(lastEventId === undefined ? {} : { lastEventId }) };
      const stream = await openEventStream(`${url()}/v1/stream?topic=push.>`, options).catch(() => delay(20));
      if (stream === undefined) continue;
      let taken = 0;
      const take = (): boolean => {
        for (const { event, id, data } of stream.frames.slice(taken)) {
          taken += 1;
          if (event === "ready") workers.push(workerIn(data));
          if (event === "bye") goodbyes += 1;
          if (event === "message") delivered.push({ sequence: Number(id?.split(".")[1]), text: data });
        }
        if (workers.length > 0) connected.resolve();
        return delivered.at(-1)?.text === END || stream.isClosed;
      };
      await waitFor("the stream ends, or has told everything", take, PATIENCE_MS);
      take();
      lastEventId = stream.lastId() ?? lastEventId;
      await stream[Symbol.asyncDispose]();
    }
  };
  const done = follow();
  await connected.promise;
  return { delivered, workers, goodbyes: () => goodbyes, done };
}

function publishAll(acknowledged: Acknowledged[], count: number): Promise<void> {
  return publishUntil(acknowledged, () => acknowledged.length === count);
}

async function publishUntil(acknowledged: Acknowledged[], isEnough: () => boolean | Promise<boolean>): Promise<void> {
  const publish = async (text: string): Promise<void> => {
    const sequence = await demo.publish("events.demo.push.event.k", text);
    acknowledged.push({ sequence, topic: "push.event.k", text });
  };
  while (!(await isEnough())) await publish(String(acknowledged.length));
  await publish(END);
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

function figure(metrics: string, name: string): number {
  const line = metrics.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

async function workerPids({ child }: RunningService): Promise<number[]> {
  const pid = child.process.pid ?? 0;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").map(Number);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
