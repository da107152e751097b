import { setImmediate as turn } from "node:timers/promises";
import { holeOf } from "../event.ts";
import type { Connection } from "./connection.ts";
import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { createRig as createEdgeRig, type EdgeRig, LIVE, NO_HISTORY } from "#test/rigs/edge-rig.ts";

const rigs: EdgeRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

function createRig(options?: Parameters<typeof createEdgeRig>[0]): EdgeRig {
  const rig = createEdgeRig(options);
  rigs.push(rig);
  return rig;
}

/** Has the connection's socket take nothing until the answered function is called; `onLook` runs at each look at it. */
function fillSocket(connection: Connection, onLook: () => void = () => {}): () => void {
  let isFull = true;
  const drained = Promise.withResolvers<void>();
  Object.defineProperty(connection, "drained", { value: () => drained.promise });
  Object.defineProperty(connection, "writable", {
    get() {
      if (isFull) onLook();
      return !isFull;
    },
  });
  return () => {
    isFull = false;
    drained.resolve();
  };
}

/** A change that takes everything from alice, or gives it back. */
function change(rig: EdgeRig, allow: readonly string[]): void {
  rig.policy.version += 1;
  rig.policy.allow = [...allow];
  rig.policy.grantId = `viewer-${rig.policy.version}`;
  rig.control({ of: "policy", entry: { ...rig.entry(), roles: [], subjects: ["alice"] } });
}

describe("a change of policy in the log", () => {
  test("finds what was published before it on its way, within a burst too, and nothing after it", async () => {
    const rig = createRig({ flushMs: 50 });
    const client = await rig.open();
    await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
    rig.event("first");
    rig.event("pending");
    change(rig, []);
    rig.event("not for alice any more");
    await client.frame("subscription");
    change(rig, [">"]);
    rig.event("hers again");
    await waitFor("the last event", () => client.events().includes("hers again"));
    expect(client.events()).toEqual(["first", "pending", "hers again"]);
    // The pending event was written when the change was applied: it stands before what the client is told of the change.
    expect(client.raw().indexOf("pending")).toBeLessThan(client.raw().indexOf("event: subscription"));
  });

  test("takes its readers to their new audience, and tells them which topics fell away and came", async () => {
    const rig = createRig();
    const client = await rig.open();
    await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
    const [before] = rig.tenant.audiences;
    change(rig, []);
    expect(before?.size).toBe(0);
    await client.frame("subscription");
    await waitFor("the reader is live again", () => [...rig.tenant.audiences].some(({ size }) => size === 1));
    const [after] = rig.tenant.audiences;
    expect(after?.key.grant.id).toBe("viewer-2");
    change(rig, [">"]);
    await waitFor("both are told", () => client.raw().split("event: subscription").length === 3);
    expect([...client.raw().matchAll(/"granted":(\w+)\}\],"effectiveFrom"/g)].map(([, granted]) => granted)).toEqual([
      "false",
      "true",
    ]);
  });

  test("holds who is undecided where policy does not answer, and nobody else; without loss", async () => {
    const rig = createRig();
    const client = await rig.open();
    const held = rig.policy.hold();
    change(rig, [">"]);
    await held.asked;
    rig.event("while policy is silent");
    await turn();
    await client.allWritten();
    expect(client.events()).toEqual([]);
    expect([...rig.edge.hub.streams()].map(({ reader }) => reader.wait?.for)).toEqual(["authorization"]);
    held.release();
    await waitFor("the event", () => client.events().includes("while policy is silent"));
  });
});

describe("a clock that jumped", () => {
  test("costs no reader the event that it is noticed with, in no audience", async () => {
    const rig = createRig();
    const raw = await rig.open();
    const envelopes = await rig.open("topic=order.>&format=cloudevents");
    await waitFor("both are live", () => [...rig.tenant.audiences].length === 2);
    rig.clock.wallAhead += 300_000;
    rig.event("while it jumped");
    for (const client of [raw, envelopes]) {
      await waitFor("the event", () => client.events().some((data) => data?.includes("while it jumped") === true));
    }
  });

  test.each([
    ["the next member of an audience", "topic=order.>", 0],
    ["the next member of an audience, in a burst", "topic=order.>", 20],
    ["the next audience", "topic=order.created.>", 0],
  ])("while one member's socket is full takes nothing from %s", async (_, query, flushMs) => {
    const rig = createRig({ flushMs });
    const full = await rig.open();
    const other = await rig.open(query);
    await waitFor("both are live", () => [...rig.edge.hub.streams()].every(({ reader }) => reader.isLive));
    const drain = fillSocket(full.connection, () => (rig.clock.wallAhead = 60_000));
    rig.event("one");
    // A feed passes the next event once all readers have left their audiences.
    await turn();
    rig.event("two");
    await waitFor("both events", () => other.events().length === 2);
    drain();
    await waitFor("both events, later", () => full.events().length === 2);
    expect([other.events(), full.events()]).toEqual([
      ["one", "two"],
      ["one", "two"],
    ]);
  });

  test("is asked about before a burst is flushed in its time: a session that ended meanwhile gets nothing of it", async () => {
    const rig = createRig({ flushMs: 50 });
    const client = await rig.open();
    await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
    rig.event("first");
    rig.event("pending");
    const held = rig.holdSession();
    rig.clock.wallAhead += 3_600_000;
    await held.asked;
    held.answer({ state: "expired" });
    await client.frame("auth_error");
    expect(client.events()).toEqual(["first"]);
  });

  test("has sessions asked for again whose streams are still being opened", async () => {
    const rig = createRig();
    const first = rig.holdSession();
    const opening = rig.open();
    await first.asked;
    const second = rig.holdSession();
    rig.clock.wallAhead += 3_600_000;
    rig.edge.checkClock();
    first.answer(LIVE);
    await second.asked;
    second.answer({ state: "expired" });
    await expect(opening).rejects.toMatchObject({ code: "token_expired" });
  });
});

test("a hole that reaches over the end of a grant is passed without a right, and nothing is read again and again", async () => {
  let reads = 0;
  const hole = [holeOf(2, 3)];
  const after = async () => ((reads += 1), hole);
  const rig = createRig({
    history: { ...NO_HISTORY, after, bounds: async () => ({ first: 1, last: 4, goneBy: "purged" }) },
  });
  const client = await rig.open();
  await waitFor("the reader is live", () => [...rig.edge.hub.streams()].every(({ reader }) => reader.isLive));
  const drain = fillSocket(client.connection);
  rig.event("purged by hand");
  rig.policy.version = 2;
  const held = rig.policy.hold();
  rig.control({ of: "policy", entry: { ...rig.entry(), roles: ["viewer"] } });
  rig.tenant.log.forgetTail();
  await held.asked;
  drain();
  await waitFor("the reader waits for its grant", () => {
    return [...rig.edge.hub.streams()].every(({ reader }) => reader.wait?.for === "authorization" || reader.isLive);
  });
  held.release();
  await client.frame("gap");
  expect(reads).toBeLessThan(5);
});

describe("a log that is silent", () => {
  test.each([
    [9_999, "and is trusted for 10 s", ["behind"]],
    [10_000, "and is not trusted any longer: nothing is delivered, not even what was decided", []],
  ])("for %i ms %s", async (silentMs, _why, delivered) => {
    const rig = createRig();
    const client = await rig.open();
    const session = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    await session.asked;
    rig.event("behind");
    rig.clock.now += silentMs;
    session.answer(LIVE);
    await waitFor("the reader has looked", () => [...rig.edge.hub.streams()].every(({ reader }) => isSettled(reader)));
    await waitFor("what was delivered", () => client.events().length === delivered.length);
    expect(client.events()).toEqual(delivered);
    rig.tenant.log.markAlive();
    await waitFor("the event", () => client.events().length === 1);
  });

  test("says first what has changed meanwhile, once it is back", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.clock.now += 11_000;
    change(rig, []);
    rig.event("not for alice any more");
    await client.frame("subscription");
    change(rig, [">"]);
    rig.event("hers again");
    await waitFor("the last event", () => client.events().includes("hers again"));
    expect(client.events()).toEqual(["hers again"]);
  });
});

function isSettled({
  isLive,
  wait,
}: {
  readonly isLive: boolean;
  readonly wait: { readonly for: string } | undefined;
}) {
  return isLive || wait?.for === "log";
}
