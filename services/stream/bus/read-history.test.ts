import { once } from "node:events";
import { connect } from "node:net";
import { DiscardPolicy, type JetStreamManager, StorageType } from "@nats-io/jetstream";
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { connectService } from "#test/support/connect-service.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import type { LogEntry, Position } from "../event.ts";
import type { History } from "../log/tenant-log.ts";
import { createHistory } from "./history.ts";
import { type Bus, openPacedBus } from "./paced-bus.ts";
import { type Reading, readOn } from "./read-on.ts";

const LOG = "EVENTS_demo";
const EPOCH = "aaaaaaaaaaaa";
const MAX_EVENT_BYTES = 1_024;

let stack: AsyncDisposableStack;
let nats: NatsServer;
let manager: JetStreamManager;
let publish: (topic: string, text: string) => Promise<number>;
let bus: Bus;
let history: History;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  nats = stack.use(await startNats());
  const [policy, demo] = await Promise.all([openBus(nats.url("policy"), "policy"), openBus(nats.url("demo"), "demo")]);
  for (const { connection } of [policy, demo]) stack.defer(() => connection.close());
  manager = await policy.manager();
  publish = (topic, text) => demo.publish(`events.demo.${topic}`, text);
  const connection = await connectService(nats.url("stream"));
  stack.defer(() => connection.close());
  bus = stack.use(await openPacedBus(connection));
  history = createHistory(bus, "demo", MAX_EVENT_BYTES);
});
afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  await manager.streams.delete(LOG).catch(() => undefined);
  const subjects = ["events.demo.>", "control.demo.>"];
  const kept = {
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    allow_direct: true,
    deny_delete: true,
  } as const;
  const config = { name: LOG, subjects, metadata: { sluice_epoch: EPOCH }, ...kept };
  // The server removes a stream's files a moment after it has said so; until then it cannot make the new one.
  await waitFor("the log is made", () =>
    manager.streams.add(config).then(
      () => true,
      () => false,
    ),
  );
});

test("whatever headers a producer writes, a message is the same from a consumer and from history", async () => {
  const long = (bytes: number): string => `a: ${"x".repeat(bytes - "a: \r\n".length)}`;
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `ce-${index}: x`);
  const blocks: readonly (readonly string[])[] = [
    ["NATS/1.0", "ce-a: 1", "Nats-Msg-Id: m-1"],
    ["NATS/1.0 404 Message Not Found"],
    ["NATS/1.0 204 EOB", "Nats-Num-Pending: 0"],
    ["NATS/1.0", "Nats-Stream: OTHER", "Nats-Subject: events.demo.public.topic", "Nats-Sequence: 99"],
    ["NATS/1.0", "Nats-Time-Stamp: 2020-01-01T00:00:00Z", "a b\x01: 1", ": 2", "no colon"],
    ["NATS/1.0", ...many(64)],
    ["NATS/1.0", ...many(65)],
    ["NATS/1.0", long(16_384)],
    ["NATS/1.0", long(16_385)],
    ["NATS/1.0", ...many(5_000)],
  ];
  await publishRaw(blocks);
  const fromHistory: LogEntry[] = [];
  while (fromHistory.length < blocks.length) {
    fromHistory.push(...(await history.after(fromHistory.length, 1_000_000)));
  }
  expect(fromHistory.map(({ position }) => position.seq)).toEqual(blocks.map((_, index) => index + 1));
  expect(fromHistory.map(({ kind }) => kind)).toEqual(
    blocks.map((_, index) => ([6, 8, 9].includes(index) ? "poison" : "event")),
  );
  expect(fromHistory[3]).toMatchObject({ topic: "secret.event.k" });
  expect(fromHistory[0]).toMatchObject({ attributes: { "ce-a": "1", "nats-msg-id": "m-1" } });
  expect(await readByConsumer(blocks.length)).toEqual(fromHistory);
});

test("a feed ends also while it waits to know of which epoch a message is whose consumer is gone", async () => {
  await publish("order.created.1", "1");
  const [asked, givenUp] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const makeSure = (): Promise<void> => (asked.resolve(), new Promise(() => {}));
  const stop = new AbortController();
  const unsure = { bus: tellingBus(givenUp.resolve), sureUpTo: () => 0, makeSure };
  const ended = readOn({ ...readingOf([], stop.signal), ...unsure });
  await asked.promise;
  for await (const { name } of manager.consumers.list(LOG)) await manager.consumers.delete(LOG, name);
  await givenUp.promise;
  stop.abort();
  expect(await ended).toBeInstanceOf(AppError);
});

test.each([
  ["0001-01-01", 0],
  ["1600-01-01", 0],
  ["2262-04-12", 2],
  ["9999-12-31", 2],
])(
  "%s is before all that a log has stored, or behind it: JetStream would read it as another time",
  async (day, seq) => {
    await publish("order.created", "{}");
    await publish("order.created", "{}");
    expect(await history.positionBefore(Date.parse(day))).toMatchObject({ seq });
  },
);

describe("a stretch of a log without an event for a subscription", () => {
  const quiet = async (seq: number, patterns: readonly string[], horizon?: Position) =>
    history.quietAfter(seq, patterns, horizon ?? (await positionAt(9)), EPOCH);

  beforeEach(async () => {
    for (let n = 1; n <= 10; n += 1) await publish(n === 7 ? "order.paid.7" : `order.created.${n}`, `${n}`);
  });

  test("ends before the next one, at the position of the message there", async () => {
    expect(await quiet(0, ["order.paid.>"])).toEqual(await positionAt(6));
    expect(await quiet(3, ["invoice.*", "order.*.7", "order.*.9"])).toEqual(await positionAt(6));
    expect(await quiet(6, ["order.paid.7"])).toBeUndefined();
  });

  test("ends at the horizon, whatever is stored behind it", async () => {
    expect(await quiet(0, ["invoice.>"])).toEqual(await positionAt(9));
    expect(await quiet(7, ["order.created.10"])).toEqual(await positionAt(9));
    expect(await quiet(8, ["order.created.9"])).toBeUndefined();
  });

  test("is not told where the log has holes, has lost its beginning or its end, or is another one", async () => {
    expect(await history.quietAfter(0, ["invoice.>"], await positionAt(9), "bbbbbbbbbbbb")).toBeUndefined();
    expect(await quiet(0, ["invoice.>"], { seq: 11, tag: "t" })).toBeUndefined();
    await manager.streams.purge(LOG, { seq: 3 });
    expect(await quiet(0, ["invoice.>"])).toBeUndefined();
    expect(await quiet(2, ["invoice.>"])).toEqual(await positionAt(9));
    await manager.streams.purge(LOG, { filter: "events.demo.order.created.5" });
    expect(await quiet(2, ["invoice.>"])).toBeUndefined();
  });

  test("is not told where what was for the subscription is gone from the log's end", async () => {
    await manager.streams.purge(LOG, { filter: "events.demo.order.created.10" });
    expect(await quiet(0, ["order.created.10"], { seq: 10, tag: "t" })).toBeUndefined();
  });
});

async function positionAt(seq: number): Promise<Position> {
  return { seq, tag: (await history.tagOf(seq)) ?? "0" };
}

/** Publishes a message for each block of headers, as no library would. */
async function publishRaw(blocks: readonly (readonly string[])[]): Promise<void> {
  const { username: user, password: pass } = new URL(nats.url("demo"));
  const socket = connect(nats.port, "127.0.0.1");
  await once(socket, "connect");
  let answers = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answers += text));
  socket.write(`CONNECT ${JSON.stringify({ user, pass, headers: true, verbose: false, protocol: 1 })}\r\n`);
  for (const lines of blocks) {
    const block = `${lines.join("\r\n")}\r\n\r\n`;
    socket.write(`HPUB events.demo.secret.event.k ${block.length} ${block.length + 1}\r\n${block}x\r\n`);
  }
  socket.write("PING\r\n");
  await waitFor("the server has taken everything", () => answers.includes("PONG"));
  await waitFor("everything is stored", async () => (await history.bounds()).last === blocks.length);
  socket.destroy();
}

async function readByConsumer(count: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  const stop = new AbortController();
  const ended = readOn(readingOf(entries, stop.signal));
  await waitFor("the consumer's entries", () => entries.length === count);
  stop.abort();
  await ended;
  return entries;
}

function readingOf(entries: LogEntry[], stop: AbortSignal): Reading {
  return {
    bus,
    tenant: "demo",
    epoch: EPOCH,
    maxEventBytes: MAX_EVENT_BYTES,
    lost: stop,
    stop,
    after: () => entries.length,
    sureUpTo: () => Number.POSITIVE_INFINITY,
    makeSure: async () => undefined,
    turns: {
      run: (step) => {
        while (step());
      },
    },
    onEntry: (entry) => entries.push(entry) > 0,
    onHoles: () => undefined,
    onHeartbeat: () => undefined,
    onConfirming: () => undefined,
  };
}

/** The same bus, which tells when a subscription is given up. */
function tellingBus(onUnsubscribed: () => void): Bus {
  const { nats: connection } = bus;
  const subscribe: NatsConnection["subscribe"] = (...asked) => {
    const subscription = connection.subscribe(...asked);
    const unsubscribe = (): void => (onUnsubscribed(), subscription.unsubscribe());
    return { unsubscribe } as Subscription;
  };
  const { options } = connection as unknown as { readonly options: object };
  return {
    ...bus,
    nats: { subscribe, publish: connection.publish.bind(connection), options } as unknown as NatsConnection,
  };
}
