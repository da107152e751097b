import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ALL_CONNECTIONS, CONNECTIONS_STREAM, connectionEntrySchema } from "#shared/contract/connection-log.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import type { ConnectionRecord } from "../observe/connection-record.ts";
import { ConnectionLog } from "./connection-log.ts";

const NOW = Date.UTC(2026, 0, 31, 12);
const COMMON = { tenant: "acme", subject: "Ann Lee" };

let server: NatsServer;
let stream: NatsConnection;
let policy: NatsConnection;
let manager: JetStreamManager;
let figures: { stored: number; lost: number };
let lines: object[];
let log: ConnectionLog;

beforeAll(async () => {
  server = await startNats();
  [stream, policy] = await Promise.all([connectAs(server, "stream"), connectAs(server, "policy")]);
  manager = await jetstreamManager(policy, { checkAPI: false });
});
afterAll(async () => {
  await Promise.all([stream.close(), policy.close()]);
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  [figures, lines] = [{ stored: 0, lost: 0 }, []];
  log = new ConnectionLog({
    nats: stream,
    wall: () => NOW,
    figures: {
      stored: (count) => void (figures.stored += count),
      lost: (count) => void (figures.lost += count),
    },
    log: { write: (_level, _kind, facts) => void lines.push(facts), [Symbol.dispose]: () => {} },
  });
});
afterEach(() => log[Symbol.asyncDispose]());

test("without a log to write to, entries are lost: they are counted and logged, and the end waits for nothing more", async () => {
  for (let n = 0; n < 300; n += 1) log.record(opened(`w-${n}`));
  await log[Symbol.asyncDispose]();
  expect(figures).toEqual({ stored: 0, lost: 300 });
  expect(lines.length).toBeGreaterThan(0);
});

test("what finds no room is lost at once", () => {
  const topics = [{ topic: "t".repeat(4_000), granted: true }];
  for (let n = 0; n < 5_000; n += 1) log.record({ ...opened(`w-${n}`), topics });
  expect(figures.lost).toBeGreaterThan(500);
  expect(figures.lost).toBeLessThan(2_000);
  expect(lines[0]).toEqual({ entries: 1, reason: "too many entries wait" });
});

test("entries are stored in their order, a thousand for a handful of acknowledgements, and each is one of the contract", async () => {
  await using _made = await makeLog();
  const before = stream.stats().inMsgs;
  for (let n = 0; n < 500; n += 1) {
    log.record(opened(`w-${n}`));
    log.record(ended(`w-${n}`, 1_500));
  }
  await waitFor("all are stored", () => figures.stored === 1_000);
  expect(stream.stats().inMsgs - before).toBeLessThan(10);
  const stored = await readLog(1_000);
  expect(stored.map(({ connectionId }) => connectionId)).toEqual(
    Array.from({ length: 1_000 }, (_, n) => `w-${Math.floor(n / 2)}`),
  );
  expect(stored[1]).toMatchObject({
    event: "ended",
    at: "2026-01-31T12:00:00.000Z",
    openedAt: "2026-01-31T11:59:58.500Z",
  });
});

test("of many changes of a stream's topics the latest is stored, before its end", async () => {
  await using _made = await makeLog();
  for (let n = 0; n < 50; n += 1) log.record(changed("w-1", `order.${n}`));
  log.record(changed("w-2", "order.other"));
  log.record(ended("w-1", 10));
  await waitFor("all are stored", () => figures.stored === 3);
  expect((await readLog(3)).map((entry) => [entry.event, "topics" in entry ? entry.topics[0]?.topic : ""])).toEqual([
    ["changed", "order.49"],
    ["ended", ""],
    ["changed", "order.other"],
  ]);
});

function opened(connectionId: string): ConnectionRecord & { event: "opened" } {
  return {
    event: "opened",
    ...COMMON,
    connectionId,
    sid: "s-1",
    requestId: "r-1",
    address: "192.0.2.1",
    topics: [{ topic: "order.>", granted: true }],
    from: "epoch123.7.tag",
    isResumed: false,
  };
}

function changed(connectionId: string, topic: string): ConnectionRecord {
  return { event: "changed", ...COMMON, connectionId, topics: [{ topic, granted: true }], from: "epoch123.8.tag" };
}

function ended(connectionId: string, livedMs: number): ConnectionRecord {
  return {
    event: "ended",
    ...COMMON,
    connectionId,
    reason: "gone",
    livedMs,
    through: "epoch123.9.tag",
    events: 2,
    bytes: 3,
  };
}

/** The log, until it is disposed. */
async function makeLog(): Promise<AsyncDisposable> {
  await manager.streams.add({ name: CONNECTIONS_STREAM, subjects: [ALL_CONNECTIONS] });
  return { [Symbol.asyncDispose]: async () => void (await manager.streams.delete(CONNECTIONS_STREAM)) };
}

/** The first entries of the log, each as the contract has it. */
async function readLog(count: number) {
  const read = async (seq: number) => {
    const message = await manager.streams.getMessage(CONNECTIONS_STREAM, { seq });
    return connectionEntrySchema.parse(message?.json());
  };
  return Promise.all(Array.from({ length: count }, (_, index) => read(index + 1)));
}
