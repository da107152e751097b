import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { resetLog } from "./deliver.ts";
import { openStream } from "./open-stream.ts";
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

describe("a stream being opened", () => {
  test("is refused when its session ended between the question and the answer", async () => {
    const rig = createRig();
    const held = rig.holdSession();
    const opening = openStream(rig.edge, rig.request());
    await held.asked;
    rig.control({ of: "session", entry: { sid: "session-1", action: "revoked" } });
    held.answer(LIVE);
    // A request of the rig's that is accepted throws: that it is refused with this code says that it was not.
    await expect(opening).rejects.toMatchObject({ code: "session_ended" });
  });

  test("is refused when the key of its token was withdrawn meanwhile", async () => {
    const rig = createRig();
    const held = rig.holdSession();
    const opening = openStream(rig.edge, rig.request());
    await held.asked;
    rig.withdrawn.add("key-1");
    held.answer(LIVE);
    await expect(opening).rejects.toMatchObject({ code: "token_invalid" });
  });

  test("asks policy again when a change to its subject came meanwhile", async () => {
    const rig = createRig();
    const held = rig.holdSession();
    const opening = openStream(rig.edge, rig.request());
    await held.asked;
    rig.policy.allow = [];
    rig.policy.version = 2;
    rig.control({ of: "policy", entry: { version: 2, build: "b2", subjects: ["alice"] } });
    held.answer(LIVE);
    await expect(opening).rejects.toMatchObject({ code: "no_topic_granted" });
  });

  test("gives its place back whatever happens", async () => {
    const rig = createRig();
    const broken = rig.request({ takeQuery: () => new URLSearchParams("topic=..") });
    await expect(openStream(rig.edge, broken)).rejects.toMatchObject({ code: "malformed_topic" });
    expect(rig.edge.admission.open).toBe(0);
    expect(rig.tenant.registrations.size).toBe(0);
  });

  test("waits no longer than the handshake may last", async () => {
    const rig = createRig();
    rig.holdSession();
    await expect(openStream(rig.edge, rig.request())).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a log that begins anew while a start is found", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])("is looked into again, or told: %d microtasks later", async (depth) => {
    let asked = 0;
    const beginAnew = (left: number): void => {
      if (left > 0) return queueMicrotask(() => beginAnew(left - 1));
      const horizon = { seq: 0, tag: "0" };
      resetLog(rig.tenant, { epoch: "second-epoch", horizon, policy: rig.entry(), relation: "epoch" }, rig.edge);
    };
    const positionBefore = async () => {
      if ((asked += 1) === 1) queueMicrotask(() => beginAnew(depth));
      return { seq: 77, tag: "0" };
    };
    const rig = createRig({ history: { ...NO_HISTORY, positionBefore } });
    const client = await rig.open("topic=order.>&from=2026-01-01T00:00:00Z");
    await client.allWritten();
    expect(asked === 2 || client.raw().includes("event: reset")).toBe(true);
  });
});

describe("an open stream", () => {
  test("gets events in order, from memory while it waits for its grant, and live afterwards", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.event("one");
    rig.policy.version = 2;
    const held = rig.policy.hold();
    rig.control({ of: "policy", entry: { version: 2, build: "b2", subjects: ["alice"] } });
    rig.event("two");
    rig.event("three");
    await held.asked;
    await waitFor("the event before the change", () => client.events().length === 1);
    held.release();
    await waitFor("the rest", () => client.events().length === 3);
    rig.event("four");
    await waitFor("live", () => client.events().length === 4);
    expect(client.events()).toEqual(["one", "two", "three", "four"]);
  });

  test("gets nothing that came after its role was taken, also when policy answers late", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.policy.allow = [];
    rig.policy.version = 2;
    const held = rig.policy.hold();
    rig.control({ of: "policy", entry: { version: 2, build: "b2", roles: ["viewer"] } });
    rig.event("secret");
    await held.asked;
    held.release();
    await client.frame("subscription");
    rig.event("another secret");
    await client.allWritten();
    expect(client.events()).toEqual([]);
  });

  test("is told reset when the log is not the one it was, and goes on in the new one", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.event("old");
    const horizon = { seq: 3, tag: "n3" };
    resetLog(rig.tenant, { epoch: "second-epoch", horizon, policy: rig.entry(), relation: "tail_lost" }, rig.edge);
    await client.frame("reset");
    rig.event("new", 4);
    await waitFor("the new event", () => client.events().length === 2);
    expect(client.raw()).toMatch(/event: reset\nid: second-epoch\.3\.n3\ndata: {"reason":"tail_lost"}/);
    expect(client.raw()).toContain("id: second-epoch.4.t4");
  });

  test("is held while its session is invalidated, and goes on without loss", async () => {
    const rig = createRig();
    const client = await rig.open();
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    rig.event("held");
    await held.asked;
    await client.allWritten();
    expect(client.events()).toEqual([]);
    held.answer(LIVE);
    await waitFor("the held event", () => client.events().length === 1);
  });

  test("is granted anew when auth says that its person holds other roles by now", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.event("before");
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    rig.event("no more");
    await held.asked;
    rig.policy.grantId = "intern";
    rig.policy.allow = [];
    held.answer({ ...LIVE, present: { roles: ["intern"], groups: [] } });
    await client.frame("subscription");
    rig.event("nor this");
    await waitFor("the event before the change", () => client.events().length === 1);
    expect(rig.policy.asked.map(({ roles }) => roles)).toEqual([[], ["intern"]]);
    expect(client.events()).toEqual(["before"]);
  });

  test("is granted by what its person holds, not by what the token says, also while it opens", async () => {
    const rig = createRig();
    const held = rig.holdSession();
    const policy = rig.policy.hold();
    const opening = openStream(rig.edge, rig.request());
    await Promise.all([held.asked, policy.asked]);
    held.answer({ ...LIVE, present: { roles: ["intern"], groups: ["ops"] } });
    rig.policy.grantId = "intern";
    rig.policy.allow = [];
    await new Promise<void>((resolve) => setImmediate(resolve));
    policy.release();
    await expect(opening).rejects.toMatchObject({ code: "no_topic_granted" });
    expect(rig.policy.asked.at(-1)).toEqual({ id: "alice", roles: ["intern"], groups: ["ops"] });
  });

  test("is not granted anew while its person holds what they held", async () => {
    const rig = createRig();
    const client = await rig.open();
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    await held.asked;
    held.answer({ ...LIVE, present: { roles: [], groups: [] } });
    rig.event("goes on");
    await waitFor("the event", () => client.events().length === 1);
    expect(rig.policy.resolved).toBe(1);
  });

  test("has everything asked again by an entry that nobody can read", async () => {
    const rig = createRig();
    const client = await rig.open();
    const before = rig.policy.resolved;
    rig.control({ of: "unknown" });
    rig.event("after");
    await waitFor("the event", () => client.events().length === 1);
    expect(rig.policy.resolved).toBeGreaterThan(before);
  });

  test("holds its place and its registration until its client has left, long after its request is over", async () => {
    const rig = createRig();
    const client = await rig.open();
    expect([rig.edge.admission.open, rig.edge.hub.size, rig.tenant.registrations.size]).toEqual([1, 1, 1]);
    client.leave();
    await waitFor("its place is free", () => rig.edge.admission.open === 0);
    expect([rig.edge.hub.size, rig.tenant.registrations.size]).toEqual([0, 0]);
  });

  test("ends at its deadline with auth_error, and not a byte later", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.clock.now += 60_000;
    rig.event("too late");
    await client.frame("auth_error");
    await client.ended();
    expect(client.events()).toEqual([]);
  });
});

const FIVE_MINUTES = 300_000;

describe.each([FIVE_MINUTES, -FIVE_MINUTES])("a wall clock %d ms from auth's", (by) => {
  test("changes nothing: a stream ends when the time that auth gave is over, not a millisecond off", async () => {
    const rig = createRig({ wallAhead: by });
    const client = await rig.open();
    rig.clock.now += LIVE.remainingMs - 1;
    rig.event("in time");
    await waitFor("the event", () => client.events().length === 1);
    rig.clock.now += 1;
    rig.event("too late");
    await client.frame("auth_error");
    expect(client.raw()).toContain('data: {"reason":"expired"}');
    expect(client.events()).toEqual(["in time"]);
  });

  test("that jumped there holds delivery until auth has answered; nothing is lost, and the new time counts", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.event("before");
    await waitFor("the event", () => client.events().length === 1);
    const held = rig.holdSession();
    rig.clock.wallAhead += by;
    rig.clock.now += 20_000;
    rig.event("held");
    rig.event("held too");
    await held.asked;
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(client.events()).toEqual(["before"]);
    held.answer({ ...LIVE, remainingMs: 10_000 });
    await waitFor("the rest", () => client.events().length === 3);
    rig.clock.now += 9_999;
    rig.event("in time");
    await waitFor("the event", () => client.events().length === 4);
    rig.clock.now += 1;
    rig.event("too late");
    await client.frame("auth_error");
    expect(client.events()).toEqual(["before", "held", "held too", "in time"]);
  });

  test("that jumped there holds every stream of an audience, not only the first that is invalidated", async () => {
    const rig = createRig();
    const clients = [await rig.open(), await rig.open(), await rig.open()];
    rig.event("before");
    await waitFor("the event", () => clients.every((client) => client.events().length === 1));
    const held = [rig.holdSession(), rig.holdSession(), rig.holdSession()];
    rig.clock.wallAhead += by;
    rig.event("held");
    await Promise.all(held.map(({ asked }) => asked));
    held[0]?.answer(LIVE);
    await waitFor("the first goes on", () => clients[0]?.events().length === 2);
    expect(clients.map((client) => client.events().length)).toEqual([2, 1, 1]);
    for (const { answer } of held) answer(LIVE);
    await waitFor("all go on", () => clients.every((client) => client.events().length === 2));
  });

  test("that jumped there ends a stream whose session auth finds expired", async () => {
    const rig = createRig();
    const client = await rig.open();
    const held = rig.holdSession();
    rig.clock.wallAhead += by;
    rig.event("held");
    await held.asked;
    held.answer({ state: "expired" });
    await client.frame("auth_error");
    await client.ended();
    expect(client.events()).toEqual([]);
  });
});
