import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type EdgeRig, eventOf, NO_HISTORY } from "#test/rigs/edge-rig.ts";
import type { MemoryRecords } from "#test/rigs/memory-subscriptions.ts";
import { openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { waitFor } from "#test/support/wait.ts";
import { endDurableStreams } from "./connections/end-streams.ts";
import { applyCommand } from "./durable/commands.ts";
import type { SubscriptionRecord } from "./durable/record.ts";
import { storable } from "./durable/subscription-store.ts";
import { commandSubscription } from "./manage-subscription.ts";
import { MIN_RETRY_MS } from "./sse/retry-delay.ts";

const KEY = { tenant: "acme", subject: "alice", name: "orders" };
const SUBJECT = { id: "alice", roles: [], groups: [] };
const IDENTITY = { tenant: "acme", sid: "s", subject: SUBJECT, kid: "key-1", tokenExpiresAt: 4e9, isOutside: false };
const OWNED = { identity: IDENTITY, name: "orders" };
const DAY_MS = 86_400_000;

let rig: EdgeRig;
let observed: string[];
/** The first sequence that the log has. */
let first: number;

beforeEach(() => {
  observed = [];
  first = 1;
  const history = {
    ...NO_HISTORY,
    after: async (seq: number) =>
      seq + 1 >= first && seq < 1 ? [eventOf({ seq: seq + 1, tag: `t${seq + 1}` }, "old")] : [],
    bounds: async () => ({ first, last: rig.tenant.log.horizon.seq, goneBy: "retention" as const }),
    tagOf: async (seq: number) => `t${seq}`,
  };
  rig = createRig({ history });
  rig.edge.observer.subscriptionChanged = (change) => void observed.push(change);
});
afterEach(() => rig[Symbol.asyncDispose]());

/** Publishes so many events, then stores a record that stands behind the last one. */
async function store(events: number, change: Partial<SubscriptionRecord> = {}): Promise<void> {
  for (let index = 0; index < events; index += 1) rig.event(`event ${rig.tenant.log.horizon.seq + 1}`);
  const definition = { ...recordOf().definition, topics: { "order.>": 0 } };
  const record = recordOf({ definition, through: rig.tenant.log.horizon, seenAt: rig.clock.now, ...change });
  await rig.edge.subscriptions.store.put(KEY, storable(record), undefined);
}

const attach = () => rig.open("subscription=orders");
const recordNow = async () => (await rig.edge.subscriptions.store.read(KEY))!.record;

describe("a durable stream", () => {
  test("begins with what is open, in the order of the log, and goes on behind the record's position", async () => {
    await store(3, { open: new Map([openEvent(2, 1e9), openEvent(4, 1e9)]) });
    rig.event("new");
    const client = await attach();
    await waitFor("all", () => client.events().length === 3);
    expect(client.events()).toEqual(["event 2", "event 4", "new"]);
    expect((await recordNow()).open.get(2)?.deliveries).toBe(1);
  });

  test("delivers nothing beyond its window while it is live, and goes on with each acknowledgement", async () => {
    await store(0);
    const client = await attach();
    for (let index = 0; index < 5; index += 1) rig.event(`live ${index}`);
    await waitFor("the window", () => client.events().length === 3);
    await client.allWritten();
    expect(client.events()).toEqual(["live 0", "live 1", "live 2"]);
    const held = rig.edge.subscriptions.holds.find(KEY)!;
    await held.hold.apply(
      { do: "acknowledge", ids: [...held.hold.record.open].map(([seq, { tag }]) => `first-epoch.${seq}.${tag}`) },
      new Set(),
    );
    await waitFor("the rest", () => client.events().length === 5);
  });

  test("ends where its record is written elsewhere now, and comes again after a time like any other; other streams stay", async () => {
    await store(0);
    const [durable, other] = [await attach(), await rig.open()];
    endDurableStreams(rig.edge.hub);
    await durable.ended();
    const [, text = "{}"] = /event: bye\n(?:.+\n)*?data: (.+)/.exec(durable.raw()) ?? [];
    const told = JSON.parse(text) as { reason: string; retryMs: number };
    expect(told.reason).toBe("changed");
    expect(told.retryMs).toBeGreaterThanOrEqual(MIN_RETRY_MS);
    rig.event("an event");
    await waitFor("the other one gets it", () => other.events().includes("an event"));
  });

  test("judges what comes again by the rights of now: what may not be seen any more is a dead letter", async () => {
    await store(2, { open: new Map([openEvent(2, 1e9), openEvent(3, 1e9)]) });
    const before = await attach();
    await waitFor("both", () => before.events().length === 2);
    before.leave();
    await waitFor("it is let go", async () => (await recordNow()).holder === undefined);
    rig.policy.allow = ["order.created.2"];
    rig.policy.version += 1;
    rig.control({ of: "policy", entry: { ...rig.entry(), all: true } });
    const after = await attach();
    await waitFor("they are dead", () => rig.edge.subscriptions.holds.find(KEY)?.hold.record.dead.length === 2);
    await after.allWritten();
    expect(after.events()).toEqual([]);
    expect(rig.edge.subscriptions.holds.find(KEY)?.hold.record.dead).toMatchObject([
      { reason: "denied" },
      { reason: "denied" },
    ]);
  });

  test("tells of an open event that the log has lost, and delivers the others", async () => {
    await store(2, { open: new Map([[1, { tag: "t1", deliveries: 1, dueAt: 1e9 }], openEvent(3, 1e9)]) });
    first = 2;
    const client = await attach();
    await waitFor("the other", () => client.events().length === 1);
    expect(client.raw()).toContain(
      'event: gap\nid: first-epoch.1.0\ndata: {"from":"first-epoch.0.0","to":"first-epoch.1.0","reason":"retention"}',
    );
    expect(client.events()).toEqual(["event 3"]);
  });

  test("of another log begins there anew, and says so", async () => {
    await store(2, {
      epoch: "older-epoch",
      open: new Map([openEvent(2)]),
      dead: [{ seq: 1, tag: "t", deliveries: 2, reason: "refused" }],
    });
    const client = await attach();
    await client.frame("reset");
    expect(client.raw()).toContain('data: {"reason":"epoch"}');
    const { epoch, open, dead } = rig.edge.subscriptions.holds.find(KEY)!.hold.record;
    expect([epoch, open.size <= 3, dead]).toEqual(["first-epoch", true, []]);
  });
});

describe("what its client was told is lost", () => {
  const GAPS = /^event: gap\n(?:.+\n)*?data: (.+)$/gm;
  const gapsIn = (raw: string) => Array.from(raw.matchAll(GAPS), ([, data = ""]) => data);
  const acknowledge = (seq: number) => {
    const { hold } = rig.edge.subscriptions.holds.find(KEY)!;
    return hold.apply({ do: "acknowledge", ids: [`first-epoch.${seq}.t${seq}`] }, new Set());
  };
  const gapFrom = (from: string, to: string, reason: string) =>
    JSON.stringify({ from: `first-epoch.${from}`, to: `first-epoch.${to}`, reason });

  /** Attaches, does something, and goes; answers what came. */
  async function visit(during: (client: Awaited<ReturnType<typeof attach>>) => Promise<unknown>): Promise<string> {
    const client = await attach();
    await during(client);
    await client.allWritten();
    client.leave();
    await waitFor("it is let go", async () => (await recordNow()).holder === undefined);
    return client.raw();
  }

  test("is told at each attaching until it acknowledges an event that came behind", async () => {
    await store(2, { through: { seq: 0, tag: "0" } });
    first = 2;
    const waitForBoth = (client: Awaited<ReturnType<typeof attach>>) =>
      waitFor("both", () => client.events().length === 2);
    const gap = gapFrom("0.0", "1.0", "retention");
    expect(gapsIn(await visit(waitForBoth))).toEqual([gap]);
    // Everything that was written is taken in the record to be behind the client.
    expect((await recordNow()).through.seq).toBe(3);
    const later = gapFrom("0.0", "3.t3", "retention");
    expect(gapsIn(await visit(waitForBoth))).toEqual([later]);
    // An answer for what it had before may have been on its way: it may know nothing of this connection.
    expect(gapsIn(await visit((client) => waitForBoth(client).then(() => acknowledge(3))))).toEqual([later]);
    rig.event("new");
    expect(gapsIn(await visit((client) => waitForBoth(client).then(() => acknowledge(4))))).toEqual([later]);
    const quiet = await visit((client) => waitFor("the other", () => client.events().length === 1));
    expect(gapsIn(quiet)).toEqual([]);
  });

  test("is told no more where it has acknowledged such an event after its stream was over", async () => {
    await store(1, { through: { seq: 0, tag: "0" } });
    first = 2;
    const one = (client: Awaited<ReturnType<typeof attach>>) => waitFor("it", () => client.events().length === 1);
    expect(gapsIn(await visit(one))).toHaveLength(1);
    await commandSubscription(rig.edge, OWNED, { do: "acknowledge", ids: ["first-epoch.2.t2"] });
    expect(gapsIn(await visit((client) => client.frame("ready")))).toEqual([]);
  });

  test("stays to be told where it acknowledges what came before", async () => {
    await store(1);
    const raw = await visit(async (client) => {
      rig.event("before");
      await waitFor("it", () => client.events().length === 1);
      rig.holes(2);
      await client.frame("gap");
      await acknowledge(3);
    });
    expect(gapsIn(raw)).toEqual([gapFrom("3.t3", "5.0", "erased")]);
    expect((await recordNow()).owed).toMatchObject({ event: "gap", after: { seq: 3, tag: "t3" }, reason: "erased" });
    const again = await visit((client) => client.frame("gap"));
    expect(gapsIn(again)).toEqual([gapFrom("3.t3", "5.0", "erased")]);
  });

  test("may be an open event that is gone: one that comes behind it for the first time says that it was read", async () => {
    const before = { tag: "t1", deliveries: 1, dueAt: 1e9 };
    await store(2, { open: new Map([[1, before], openEvent(3, 1e9)]) });
    first = 2;
    const both = async (client: Awaited<ReturnType<typeof attach>>) => {
      await waitFor("the other", () => client.events().length === 1);
    };
    expect(gapsIn(await visit(both))).toEqual([gapFrom("0.0", "1.0", "retention")]);
    rig.event("new");
    const all = (client: Awaited<ReturnType<typeof attach>>) => waitFor("all", () => client.events().length === 2);
    expect(gapsIn(await visit((client) => all(client).then(() => acknowledge(4))))).toHaveLength(1);
    expect(gapsIn(await visit((client) => client.frame("ready")))).toEqual([]);
  });

  test("is told of another log, and nothing that was delivered there since is lost", async () => {
    await store(2, { epoch: "older-epoch" });
    const one = (client: Awaited<ReturnType<typeof attach>>) => waitFor("all", () => client.events().length >= 2);
    const raw = await visit(one);
    const { open } = await recordNow();
    const again = await visit(one);
    expect([raw, again].map((each) => each.split("event: reset").length - 1)).toEqual([1, 1]);
    expect((await recordNow()).open).toEqual(open);
  });

  test("is told where its owner has it go on after it was archived", async () => {
    await store(1, { through: { seq: 1, tag: "t1" } });
    rig.event("missed");
    rig.clock.now += 15 * DAY_MS;
    const { topics: _, ...defined } = recordOf().definition;
    const definition = { ...defined, backoffMs: [], deliver: undefined };
    const { store: records, context } = rig.edge.subscriptions;
    const { record, write } = (await records.read(KEY))!;
    const at = { epoch: "first-epoch", position: rig.tenant.log.horizon };
    applyCommand(record, { do: "define", definition, topics: ["order.>"], at }, context());
    await records.put(KEY, storable(record), write);
    rig.tenant.log.markAlive();
    const raw = await visit((client) => client.frame("gap"));
    expect(gapsIn(raw)).toEqual([gapFrom("1.t1", "3.t3", "retention")]);
  });
});

describe("a week without a stream", () => {
  test("expires a subscription, which attaching brings back with all that was open", async () => {
    await store(2, { open: new Map([openEvent(2, 1e12)]) });
    rig.clock.now += 7 * DAY_MS;
    rig.tenant.log.markAlive();
    const client = await attach();
    await waitFor("it", () => client.events().length === 1);
    expect([client.events(), observed]).toEqual([["event 2"], ["revived"]]);
  });

  test("and another one archive it: it begins now, and a gap says what lies between", async () => {
    await store(1, { through: { seq: 1, tag: "t1" }, open: new Map([openEvent(2)]) });
    rig.event("missed");
    rig.clock.now += 15 * DAY_MS;
    const client = await attach();
    await client.frame("gap");
    expect(client.raw()).toContain('{"from":"first-epoch.1.t1","to":"first-epoch.3.t3","reason":"retention"}');
    rig.tenant.log.markAlive();
    rig.event("now");
    await waitFor("it", () => client.events().length === 1);
    expect([client.events(), observed]).toEqual([["now"], ["revived"]]);
  });
});

test("a record that changes while a stream attaches is read again, and one that is not there is 404", async () => {
  await expect(attach()).rejects.toMatchObject({ code: "not_found" });
  await store(0);
  const records = rig.edge.subscriptions.store as MemoryRecords;
  const { record, write } = (await records.read(KEY))!;
  const read = records.read.bind(records);
  let reads = 0;
  records.read = async (key) => {
    const stored = await read(key);
    if ((reads += 1) === 2) await records.put(key, storable({ ...record, revision: 2 }), write);
    return stored;
  };
  await attach();
  expect([(await read(KEY))?.record.revision, reads]).toEqual([2, 3]);
});

test("attaching while it is paused uses up no delivery, however often", async () => {
  await store(2, { open: new Map([openEvent(2, 0), openEvent(3, 0)]), pausedUntil: "resumed" });
  for (let index = 0; index < 3; index += 1) {
    const client = await attach();
    await client.frame("ready");
    client.leave();
    await waitFor("it is let go", async () => (await recordNow()).holder === undefined);
  }
  const { open, dead } = await recordNow();
  expect([[...open.values()].map(({ deliveries }) => deliveries), dead]).toEqual([[1, 1], []]);
  await commandSubscription(rig.edge, OWNED, { do: "resume" });
  const client = await attach();
  await waitFor("both", () => client.events().length === 2);
  expect([...(await recordNow()).open.values()].map(({ deliveries }) => deliveries)).toEqual([2, 2]);
});
