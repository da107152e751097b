import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AckPolicy, jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import type { StoredMessage } from "./decode-entry.ts";
import { pacingFor } from "./pacing.ts";
import { pullMessages } from "./pull-messages.ts";

const MEGABYTE = 1024 * 1024;

/** As an edge reads: from another account. A message may be larger than a request may bring. */
const CONFIG = `
max_payload: 8MB
jetstream {}
accounts {
  LOGS {
    jetstream: enabled
    users: [{ user: logs, password: test }]
    exports: [{ service: "$JS.API.CONSUMER.MSG.NEXT.*.*", response: stream }]
  }
  EDGE {
    users: [{ user: edge, password: test }]
    imports: [{ service: { account: LOGS, subject: "$JS.API.CONSUMER.MSG.NEXT.*.*" } }]
  }
}
`;

let stack: AsyncDisposableStack;
let edge: NatsConnection;
let logs: NatsConnection;
let manager: JetStreamManager;
let made = 0;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sluice-pull-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const config = join(folder, "nats.conf");
  await writeFile(config, CONFIG);
  const { port } = stack.use(await startNats({ config }));
  const open = (user: string) => connect({ servers: `127.0.0.1:${port}`, user, pass: "test" });
  [edge, logs] = await Promise.all([open("edge"), open("logs")]);
  for (const connection of [edge, logs]) stack.defer(() => connection.close());
  manager = await jetstreamManager(logs);
});
afterAll(() => stack[Symbol.asyncDispose]());

test("all messages come, each once and in order, over many requests", async () => {
  await using reading = await read(Array.from({ length: 1_000 }, () => 10));
  await waitFor("the last one", () => reading.messages.length >= 1_000);
  expect(reading.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
});

test("messages that are gone are passed over, however many there are", async () => {
  await using reading = await read(
    Array.from({ length: 1_000 }, (_, index) => (index % 10 === 4 ? 0 : 10)),
    undefined,
    async (stream) => {
      await manager.streams.purge(stream, { filter: `${stream}.empty` });
    },
  );
  await waitFor("the last one", () => reading.messages.at(-1)?.seq === 1_000);
  expect(reading.messages).toHaveLength(900);
  expect(reading.ends).toEqual([]);
});

test("while there is no room, no more comes than two requests' bytes", async () => {
  const room = Promise.withResolvers<void>();
  let asked = 0;
  await using reading = await read(
    Array.from({ length: 20 }, () => MEGABYTE),
    () => ((asked += 1) > 2 ? room.promise : undefined),
  );
  // Each of the two requests is over, and would be made again.
  await waitFor("both requests are over", () => asked === 4);
  const bytes = reading.messages.reduce((sum, { data }) => sum + data.length, 0);
  expect(bytes).toBeGreaterThan(MEGABYTE);
  expect(bytes).toBeLessThanOrEqual(8 * MEGABYTE);
  asked = Number.NEGATIVE_INFINITY;
  room.resolve();
  await waitFor("the others", () => reading.messages.length === 20);
});

test("a message that is larger than a request comes in its place", async () => {
  await using reading = await read([10, 6 * MEGABYTE, 10, 6 * MEGABYTE, 6 * MEGABYTE, 10]);
  await waitFor("the last one", () => reading.messages.length === 6);
  expect(reading.messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(reading.ends).toEqual([]);
});

test("behind a message with nothing in it the consumer is not used any more: others would be lost, and none would show it", async () => {
  await using reading = await read([10, 0, 10, 10, 10]);
  await waitFor("the end", () => reading.ends.length > 0);
  expect(reading.ends).toEqual(["a message without a payload has ended a request"]);
  expect(reading.messages.map(({ seq }) => seq)).toEqual([1, 2]);
});

test("a consumer without new messages says that it lives, and one that is deleted that it does not", async () => {
  await using reading = await read([]);
  await waitFor("a heartbeat", () => reading.heartbeats() > 0);
  expect(reading.ends).toEqual([]);
  await reading.deleteConsumer();
  await waitFor("the end", () => reading.ends.length > 0);
  expect(reading.ends[0]).toContain("409 Consumer Deleted");
});

test("a process that stood still takes nothing of what it was sent meanwhile: it may have been erased since", async () => {
  await using reading = await read([], undefined, undefined, { ...pacingFor(1), heartbeatMs: 100 });
  await waitFor("a heartbeat", () => reading.heartbeats() > 0);
  const before = reading.heartbeats();
  // Five heartbeats come while nothing runs here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await waitFor("the end", () => reading.ends.length > 0);
  expect(reading.ends[0]).toBe("the consumer's heartbeats are missing");
  expect(reading.heartbeats()).toBe(before);
});

/** Reads a log with messages of these sizes. */
async function read(
  sizes: readonly number[],
  room: () => Promise<void> | undefined = () => undefined,
  change: (stream: string) => Promise<void> = async () => {},
  pacing = pacingFor(1),
) {
  const stream = `LOG${(made += 1)}`;
  await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
  const js = jetstream(logs);
  for (const size of sizes) await js.publish(`${stream}.${size === 0 ? "empty" : "a"}`, Buffer.alloc(size, "x"));
  await change(stream);
  const { name: consumer } = await manager.consumers.add(stream, { ack_policy: AckPolicy.None, mem_storage: true });
  const messages: StoredMessage[] = [];
  const ends: string[] = [];
  let heartbeats = 0;
  const pull = pullMessages({
    nats: edge,
    stream,
    consumer,
    pacing,
    room,
    onMessage: (message) => void messages.push(message),
    onHeartbeat: () => void (heartbeats += 1),
    onEnd: ({ message }) => void ends.push(message),
  });
  return {
    messages,
    ends,
    heartbeats: () => heartbeats,
    deleteConsumer: () => manager.consumers.delete(stream, consumer),
    [Symbol.asyncDispose]: async () => {
      pull[Symbol.dispose]();
      await manager.streams.delete(stream);
    },
  };
}
