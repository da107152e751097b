import { afterEach, beforeEach, expect, test } from "vitest";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import type { ConnectionRecord } from "../observe/connection-record.ts";
import type { StreamBeginning } from "../observe/observer.ts";
import { rebindStream } from "./calls/rebind-stream.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { beginRecord, openedRecord } from "./record-stream.ts";

let rig: EdgeRig;
let records: ConnectionRecord[];
let beginnings: StreamBeginning[];

beforeEach(() => {
  [records, beginnings] = [[], []];
  const observer = silentObserver({
    began: (stream) => void beginnings.push(stream),
    recorded: (record) => void records.push(record),
  });
  rig = createRig({ observer });
});
afterEach(() => rig[Symbol.asyncDispose]());

test("a stream's beginning is told once, when it is at the end of its log, with the way that it took there", async () => {
  rig.event("before");
  rig.event("before");
  const client = await rig.open("topic=order.>&client=tab-1", "first-epoch.1.t1");
  await waitFor("it is told", () => beginnings.length > 0);
  expect(beginnings).toMatchObject([
    {
      connectionId: "w-1",
      subject: "alice",
      clientId: "tab-1",
      address: "192.0.2.7",
      resumedFrom: "first-epoch.1.t1",
      caughtUpMs: 0,
      caughtUpEntries: 2,
    },
  ]);
  client.leave();
  await waitFor("it has ended", () => records.at(-1)?.event === "ended");
  expect(beginnings).toHaveLength(1);
});

test("the beginning of a stream that stays behind is told after five seconds, or when it ends", async () => {
  const look = createKeepAlive(rig.edge.hub, rig.edge);
  // The log has been silent for so long that nothing is read from it.
  rig.clock.now += 11_000;
  const [first, second] = [await rig.open(), await rig.open()];
  expect(beginnings).toEqual([]);
  second.leave();
  await waitFor("the end of the second tells it", () => beginnings.length === 1);
  rig.clock.now += 6_000;
  await look();
  expect(beginnings.map(({ connectionId, caughtUpMs }) => [connectionId, caughtUpMs])).toEqual([
    ["w-2", undefined],
    ["w-1", undefined],
  ]);
  first.leave();
  await waitFor("both have ended", () => records.filter(({ event }) => event === "ended").length === 2);
  expect(beginnings).toHaveLength(2);
});

test("a stream is recorded when it opens, when what it gets changes, and when it ends with how far it was served", async () => {
  const client = await rig.open();
  rig.event("one");
  await client.allWritten();
  rig.policy.allow = [];
  rig.policy.version += 1;
  rig.policy.grantId = "nothing";
  rig.control({ of: "policy", entry: { ...rig.entry(), all: true } });
  await client.frame("subscription");
  client.leave();
  await waitFor("it has ended", () => records.at(-1)?.event === "ended");
  const common = { tenant: "acme", subject: "alice", connectionId: "w-1" };
  const topic = "order.>";
  expect(records).toMatchObject([
    {
      event: "opened",
      ...common,
      transport: "sse",
      topics: [{ topic, granted: true }],
      from: "first-epoch.1.t1",
      isResumed: false,
    },
    { event: "changed", ...common, topics: [{ topic, granted: false }], from: "first-epoch.3.t3" },
    { event: "ended", ...common, reason: "gone", events: 1, through: "first-epoch.3.t3" },
  ]);
});

test("a rebind that changes nothing is not recorded", async () => {
  const client = await rig.open();
  const [stream] = [...rig.edge.hub.streams()];
  if (stream === undefined) throw new Error("the stream is not there");
  await rebindStream(stream, stream.reader.registration.identity, rig.edge);
  await client.frame("subscription");
  expect(records.map(({ event }) => event)).toEqual(["opened"]);
});

test("topics take up to 4000 characters of an entry; the number of the others is there", async () => {
  await rig.open();
  const [stream] = [...rig.edge.hub.streams()];
  if (stream === undefined) throw new Error("the stream is not there");
  const { reader, tenant } = stream;
  const long = (length: number) => `order.${"t".repeat(length - 6)}`;
  const withTopics = (...topics: string[]) => {
    reader.registration.replaceTopics(topics, topics);
    return openedRecord(tenant, reader);
  };
  expect(withTopics(long(2_000), long(2_000))).not.toHaveProperty("topicsLeftOut");
  expect(withTopics(long(2_000), long(2_001))).toMatchObject({ topics: [{ granted: true }], topicsLeftOut: 1 });
  expect(beginRecord(reader.registration, reader.cursor).events).toBe(0);
});
