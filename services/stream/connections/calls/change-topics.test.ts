import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { waitFor } from "#test/support/wait.ts";
import type { KeptChange, TopicStore } from "../../subscription/topic-store.ts";
import type { Stream } from "../hub.ts";
import { renewTopics } from "../keep-topics.ts";
import { rebindStream } from "./rebind-stream.ts";
import { changeTopics, type TopicsAnswer } from "./change-topics.ts";

const QUERY = "topic=order.created.1&client=tab";

/** A store whose answers a test gives. */
class FakeStore implements TopicStore {
  readonly changes: KeptChange[] = [];
  readonly answers: (() => Promise<"stored" | "replaced" | "absent">)[] = [];

  async claim() {
    return { generation: 1, kept: undefined, wasHeld: false };
  }

  async change(_: unknown, change: KeptChange) {
    this.changes.push(change);
    return this.answers.shift()?.() ?? "stored";
  }
}

async function openAt(rig: EdgeRig, query = QUERY, lastEventId?: string) {
  const opened = await rig.open(query, lastEventId);
  const stream = [...rig.edge.hub.streams()].at(-1) as Stream;
  const change = (add: string[], remove: string[] = []): Promise<TopicsAnswer> =>
    changeTopics(stream, stream.reader.registration.identity, { add, remove }, rig.edge);
  return { ...opened, stream, change };
}

/** Which events and frames of ours came, in their order. */
function framesIn(raw: string): (string | undefined)[] {
  return [...raw.matchAll(/(?:event: (\w+)\n)?(?:id: \S+\n)?data: (.*)\n\n/g)].map(([, event, data]) => event ?? data);
}

describe("a reader that is behind", () => {
  test("still gets what it asked for up to the change, of what was added only what comes behind it, and nothing of what was removed", async () => {
    await using rig = createRig();
    const reader = await openAt(rig, "topic=order.created.1&topic=order.created.2");
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    for (const [text, topic] of [
      ["kept", "order.created.1"],
      ["removed", "order.created.2"],
      ["early", "order.created.3"],
    ] as const) {
      rig.event(text, undefined, topic);
    }
    const { effectiveFrom } = await reader.change(["order.created.3"], ["order.created.2"]);
    expect(effectiveFrom).toBe(`first-epoch.5.t5`);
    for (const number of [1, 2, 3]) rig.event(`new ${number}`, undefined, `order.created.${number}`);
    held.answer({ state: "live", remainingMs: 60_000, isFinal: false });
    await waitFor("the last event", () => reader.events().includes("new 3"));
    expect(framesIn(reader.raw())).toEqual(["ready", "subscription", "kept", "new 1", "new 3"]);
  });

  test("and removes every topic passes what is there, and becomes live", async () => {
    await using rig = createRig();
    const reader = await openAt(rig, "topic=order.created.1");
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    for (let number = 0; number < 10; number += 1) rig.event(`removed ${number}`);
    await reader.change([], ["order.created.1"]);
    held.answer({ state: "live", remainingMs: 60_000, isFinal: false });
    await waitFor("it is live", () => reader.stream.reader.isLive);
    await reader.change(["order.created.1"]);
    rig.event("added");
    await waitFor("the event", () => reader.events().length > 0);
    expect(reader.events()).toEqual(["added"]);
  });

  test("at the horizon of an edge that has not read as far as its client's last change goes on alone until it has", async () => {
    const kept = { added: new Map([["order.created.2", "first-epoch.4.t4"]]), removed: new Set<string>() };
    const store = new FakeStore();
    const claim = async () => ({ generation: 2, kept, wasHeld: true });
    const history = {
      after: async () => [],
      bounds: async () => ({ first: 1, last: 4, goneBy: "retention" as const }),
      tagOf: async (seq: number) => `t${seq}`,
      quietAfter: async () => undefined,
      positionBefore: async () => ({ seq: 0, tag: "0" }),
    };
    await using rig = createRig({ topicStore: Object.assign(store, { claim }), history });
    const reader = await openAt(rig);
    rig.event("early", undefined, "order.created.2");
    rig.event("both", undefined, "order.created.1");
    rig.event("early, too", undefined, "order.created.2");
    rig.event("due", undefined, "order.created.2");
    await waitFor("the event", () => reader.events().includes("due"));
    expect(reader.events()).toEqual(["both", "due"]);
    await waitFor("it is live", () => reader.stream.reader.isLive);
  });
});

describe("while the store has not answered", () => {
  test("nothing is delivered, and what came meanwhile comes by the new topics", async () => {
    const store = new FakeStore();
    await using rig = createRig({ topicStore: store });
    const reader = await openAt(rig);
    const asked = Promise.withResolvers<"stored">();
    store.answers.push(() => asked.promise);
    const changing = reader.change(["order.created.2"], ["order.created.1"]);
    await waitFor("the store is asked", () => store.changes.length === 1);
    rig.event("removed");
    rig.event("added", undefined, "order.created.2");
    await reader.allWritten();
    expect(reader.events()).toEqual([]);
    asked.resolve("stored");
    expect((await changing).effectiveFrom).toBe("first-epoch.1.t1");
    await waitFor("the event", () => reader.events().length > 0);
    expect(framesIn(reader.raw())).toEqual(["ready", "subscription", "added"]);
  });

  test("a rebind waits for nothing, and the change is in force under the new registration", async () => {
    const store = new FakeStore();
    await using rig = createRig({ topicStore: store });
    const reader = await openAt(rig);
    const asked = Promise.withResolvers<"stored">();
    store.answers.push(() => asked.promise);
    const changing = reader.change(["order.created.2"]);
    await waitFor("the store is asked", () => store.changes.length === 1);
    await rebindStream(reader.stream, reader.stream.reader.registration.identity, rig.edge);
    asked.resolve("stored");
    expect((await changing).topics.map(({ topic }) => topic)).toEqual(["order.created.1", "order.created.2"]);
    rig.event("added", undefined, "order.created.2");
    await waitFor("the event", () => reader.events().includes("added"));
  });

  test("a log that begins anew breaks the change off: nobody knows what its position would mean", async () => {
    const store = new FakeStore();
    await using rig = createRig({ topicStore: store });
    const reader = await openAt(rig);
    const asked = Promise.withResolvers<"stored">();
    store.answers.push(() => asked.promise);
    const changing = reader.change(["order.created.2"]);
    await waitFor("the store is asked", () => store.changes.length === 1);
    rig.tenant.log.reset("second-epoch", { seq: 0, tag: "0" });
    asked.resolve("stored");
    await expect(changing).rejects.toMatchObject({ code: "unavailable" });
    await reader.change(["order.created.2"]);
    expect(store.changes.map(({ isWhole }) => isWhole)).toEqual([false, true]);
  });

  test("and when it never does, the stream goes on by its old topics, and the next change is kept as a whole", async () => {
    const store = new FakeStore();
    await using rig = createRig({ topicStore: store });
    const reader = await openAt(rig);
    store.answers.push(() => Promise.reject(new Error("away")));
    await expect(reader.change(["order.created.2"])).rejects.toThrow("away");
    rig.event("not added", undefined, "order.created.2");
    rig.event("as before");
    await waitFor("the event", () => reader.events().length > 0);
    await reader.change(["order.created.3"], ["order.created.1"]);
    expect(reader.events()).toEqual(["as before"]);
    const [, whole] = store.changes;
    expect([whole?.isWhole, [...(whole?.added.keys() ?? [])], [...(whole?.removed ?? [])]]).toEqual([
      true,
      ["order.created.3"],
      ["order.created.1"],
    ]);
  });
});

test("a change of policy while the client's record is claimed is waited for: `ready` says what is granted by it", async () => {
  const store = new FakeStore();
  const asked = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<Awaited<ReturnType<FakeStore["claim"]>>>();
  const claim = () => {
    asked.resolve();
    return claimed.promise;
  };
  await using rig = createRig({ topicStore: Object.assign(store, { claim }) });
  const opening = openAt(rig);
  await asked.promise;
  const held = rig.policy.hold();
  rig.policy.version = 2;
  rig.control({ of: "policy", entry: { ...rig.entry(), all: true } });
  await held.asked;
  const kept = { added: new Map<string, string>(), removed: new Set<string>() };
  claimed.resolve({ generation: 1, kept, wasHeld: false } as never);
  // Turns enough for a handshake that waits for nothing else.
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  held.release();
  const { raw } = await opening;
  expect(raw()).toMatch(/event: ready\nid: .*\ndata: .*"topics":\[\{"topic":"order.created.1","granted":true\}\]/);
});

test("a record that is lost is written anew, and one that a later stream holds ends this one", async () => {
  const store = new FakeStore();
  await using rig = createRig({ topicStore: store });
  const reader = await openAt(rig);
  store.answers.push(async () => "absent");
  await reader.change(["order.created.2"]);
  expect(store.changes.map(({ isWhole }) => isWhole)).toEqual([false, true]);
  store.answers.push(async () => "replaced");
  await expect(reader.change(["order.created.3"])).rejects.toMatchObject({ code: "not_found" });
  await reader.frame("bye");
  expect(reader.raw()).toMatch(/retry: (6\d|[789]\d|1[01]\d)\d{3}\nevent: bye/);
});

test("a record is renewed as a whole; where a later stream holds it by then, this one ends", async () => {
  const store = new FakeStore();
  await using rig = createRig({ topicStore: store });
  const { stream, change, frame } = await openAt(rig);
  await change(["order.created.2"]);
  await renewTopics(stream.reader, rig.edge);
  expect(store.changes.map(({ isWhole, added }) => [isWhole, [...added.keys()]])).toEqual([
    [false, ["order.created.2"]],
    [true, ["order.created.2"]],
  ]);
  store.answers.push(() => Promise.reject(new AppError("unavailable", "away")));
  await renewTopics(stream.reader, rig.edge);
  expect(stream.reader.ended).toBe(false);
  store.answers.push(async () => "replaced");
  await renewTopics(stream.reader, rig.edge);
  await frame("bye");
});

test("a change of policy meanwhile is not missed: what it takes is not delivered, and told", async () => {
  await using rig = createRig();
  rig.policy.eventMap = [
    { pattern: "order.*", permission: "order:read" },
    { pattern: "invoice.*", permission: "invoice:read" },
  ];
  const reader = await openAt(rig, "topic=order.>");
  const held = rig.policy.hold();
  rig.policy.version = 2;
  rig.policy.allowed.set("invoice:read", []);
  rig.control({ of: "policy", entry: { ...rig.entry(), roles: ["viewer"] } });
  await held.asked;
  const changing = reader.change(["invoice.>"]);
  rig.event("secret", undefined, "invoice.made.1");
  held.release();
  expect((await changing).topics).toContainEqual({ topic: "invoice.>", granted: false });
  rig.event("open");
  await waitFor("the event", () => reader.events().length > 0);
  expect(reader.events()).toEqual(["open"]);
});

test("a stream may change its topics twenty times at once and a second, and has a hundred of them at most", async () => {
  await using rig = createRig();
  const reader = await openAt(rig, "topic=order.created.0");
  const many = Array.from({ length: 99 }, (_, index) => `order.created.${index + 1}`);
  await reader.change(many.slice(0, 98));
  await expect(reader.change(["order.a", "order.b"])).rejects.toMatchObject({ code: "malformed_topic" });
  expect((await reader.change(many)).topics).toHaveLength(100);
  for (let left = 17; left > 0; left -= 1) await reader.change(["order.created.1"]);
  await expect(reader.change([])).rejects.toMatchObject({ code: "too_many_requests", retryAfterSeconds: 1 });
  rig.clock.now += 50;
  await reader.change([]);
  await expect(reader.change([])).rejects.toMatchObject({ code: "too_many_requests" });
});

test("a tenant's own limit counts for what is added, and removing is free", async () => {
  await using rig = createRig();
  rig.policy.limits = { tier: "default", topicsPerStream: 2 };
  const reader = await openAt(rig, "topic=order.a");
  expect((await reader.change(["order.b"])).topics).toHaveLength(2);
  await expect(reader.change(["order.c"])).rejects.toMatchObject({ code: "limit_exceeded" });
  await reader.change(["order.c"], ["order.b"]);
});

test("another session of the same person must live", async () => {
  await using rig = createRig();
  const { stream } = await openAt(rig);
  const other = { ...stream.reader.registration.identity, sid: "another" };
  await changeTopics(stream, other, { add: ["order.a"], remove: [] }, rig.edge);
  rig.auth.answer = { state: "revoked" };
  await expect(changeTopics(stream, other, { add: ["order.b"], remove: [] }, rig.edge)).rejects.toMatchObject({
    code: "session_ended",
  });
});
