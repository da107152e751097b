import { describe, expect, test } from "vitest";
import { noTracer } from "#shared/trace/tracer.ts";
import { OneGrantPolicy, version } from "#test/rigs/one-grant-policy.ts";
import { recordingTracer } from "#test/rigs/recording-tracer.ts";
import { Decisions } from "./decisions.ts";
import { STILL_VALID } from "./grant.ts";

const ALICE = { id: "alice", roles: [], groups: ["ops"] };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ORDER = { topic: "order.created", attributes: {} };

describe("a decision", () => {
  test("is asked once, however many wait for it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    await Promise.all([decisions.ask(grant, "order:read"), decisions.ask(grant, "order:read")]);
    expect(policy.decided).toBe(1);
    expect(grant.residualAt("order:read", 10)?.allows(ORDER)).toBe(true);
  });

  test("that is asked for a traced event is a span of its trace, which goes on to policy", async () => {
    const policy = new OneGrantPolicy(1);
    const tracer = recordingTracer();
    const { decisions, grant } = await open(policy, tracer);
    await decisions.ask(grant, "order:read", TRACE);
    expect(tracer.spans).toMatchObject([
      { name: "decide", parent: TRACE, trust: "producer", said: { "sluice.policy.version": 1 }, ended: "ok" },
    ]);
    expect(policy.context?.traceparent).toBe(tracer.spans[0]?.traceparent);
    await decisions.ask(grant, "order:write");
    expect(tracer.spans).toHaveLength(1);
  });

  test("holds until a change names one of its grant's roles", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    await decisions.ask(grant, "order:read");
    decisions.apply({ version: 2, build: "b2", roles: ["stranger"], subjects: ["bob"] }, 20);
    expect(grant.residualAt("order:read", 21)).toBeDefined();
    decisions.apply({ version: 3, build: "b3", roles: ["viewer"] }, 30);
    expect(grant.residualAt("order:read", 29)).toBeDefined();
    expect(grant.residualAt("order:read", 30)).toBeUndefined();
  });

  test("that was asked before a change and comes after it is used before the change, and never behind it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    const held = policy.hold();
    const asked = decisions.ask(grant, "order:read");
    await held.reached;
    policy.allow = [];
    decisions.apply({ version: 2, build: "b2", roles: ["viewer"] }, 20);
    held.release();
    await asked;
    expect(grant.residualAt("order:read", 19)?.allows(ORDER)).toBe(true);
    expect(grant.residualAt("order:read", 20)).toBeUndefined();
    policy.version = version(2);
    await decisions.ask(grant, "order:read");
    expect(grant.residualAt("order:read", 21)?.allows(ORDER)).toBe(false);
  });

  test("that is newer than the change it meets is used behind it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    policy.version = version(2);
    const asked = decisions.ask(grant, "order:read");
    decisions.apply({ version: 2, build: "b2", roles: ["viewer"] }, 20);
    await asked;
    expect(grant.residualAt("order:read", 25)).toBeDefined();
  });

  test("ahead of the log waits until the log has announced it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    policy.version = version(2);
    let known = false;
    const asked = decisions.ask(grant, "order:read").then(() => (known = true));
    await Promise.resolve();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(known).toBe(false);
    decisions.apply({ version: 2, build: "b2", roles: ["other"] }, 20);
    await asked;
    expect(grant.residualAt("order:read", 20)).toBeDefined();
  });

  test("older than what was asked for is none", async () => {
    const policy = new OneGrantPolicy(5);
    const { decisions, grant } = await open(policy);
    policy.version = version(4);
    await expect(decisions.ask(grant, "order:read")).rejects.toMatchObject({ code: "unavailable" });
    policy.version = { number: 5, build: "another build" };
    await expect(decisions.ask(grant, "order:read")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("is never a stale allow: 0 of 1 000 whose reply is held while changes pass, nor of 1 000 that came before", async () => {
    const counts = { used: 0, stale: 0, denied: 0 };
    for (let round = 0; round < 2_000; round += 1) {
      const policy = new OneGrantPolicy(1);
      const { decisions, grant } = await open(policy);
      const held = policy.hold();
      const asked = decisions.ask(grant, "order:read");
      await held.reached;
      // One to three changes, the first or the last of which takes the right away; a third of the questions is asked twice.
      const changes = 1 + (round % 3);
      const pass = (): void => {
        for (let change = 0; change < changes; change += 1) {
          const named = change === (round % 2 === 0 ? 0 : changes - 1) ? "viewer" : "stranger";
          decisions.apply({ version: 2 + change, build: `b${2 + change}`, roles: [named] }, 20 + change);
        }
      };
      if (round < 1_000) pass();
      const again = round % 3 === 0 ? decisions.ask(grant, "order:read") : undefined;
      held.release();
      await Promise.all([asked, again]);
      if (round >= 1_000) pass();
      const end = 20 + changes;
      if (grant.residualAt("order:read", 19)?.allows(ORDER) === true) counts.used += 1;
      if (grant.residualAt("order:read", end)?.allows(ORDER) === true) counts.stale += 1;
      policy.version = version(1 + changes);
      policy.allow = [];
      await decisions.ask(grant, "order:read");
      if (grant.residualAt("order:read", end)?.allows(ORDER) === false) counts.denied += 1;
    }
    expect(counts).toEqual({ used: 2_000, stale: 0, denied: 2_000 });
  });
});

describe("an entry of the log", () => {
  test("that follows on the last one concerns only whom it names", async () => {
    const { decisions } = await open(new OneGrantPolicy(1));
    const affects = decisions.apply({ version: 2, build: "b2", roles: ["viewer"], subjects: ["group:ops"] }, 20);
    const nobody = { roles: new Set<string>() };
    expect(affects?.({ subject: { id: "bob", roles: [], groups: [] }, ...nobody })).toBe(false);
    expect(affects?.({ subject: ALICE, ...nobody })).toBe(true);
    expect(affects?.({ roles: new Set(["viewer"]) })).toBe(true);
  });

  test("that skips a version stands for the missing ones too", async () => {
    const { decisions } = await open(new OneGrantPolicy(1));
    const affects = decisions.apply({ version: 3, build: "b3", roles: ["stranger"] }, 20);
    expect(affects?.({ roles: new Set(["viewer"]) })).toBe(true);
    expect(decisions.apply({ version: 2, build: "b2", roles: ["viewer"] }, 21)).toBeUndefined();
  });

  test("that comes twice changes nothing the second time", async () => {
    const { decisions } = await open(new OneGrantPolicy(1));
    expect(decisions.apply({ version: 2, build: "b2", all: true }, 20)).toBeDefined();
    expect(decisions.apply({ version: 2, build: "b2", all: true }, 21)).toBeUndefined();
  });

  test("with a known number and another build ends every decision", async () => {
    const { decisions, grant } = await open(new OneGrantPolicy(1));
    await decisions.ask(grant, "order:read");
    expect(decisions.apply({ version: 1, build: "another", roles: [] }, 20)?.({ roles: new Set() })).toBe(true);
    expect(grant.residualAt("order:read", 20)).toBeUndefined();
  });

  test("that nobody can read ends every decision, also those under way", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    await decisions.ask(grant, "order:read");
    const held = policy.hold();
    const asked = decisions.ask(grant, "other:read");
    await held.reached;
    decisions.invalidateAll(20);
    held.release();
    await asked;
    expect(grant.residualAt("order:read", 20)).toBeUndefined();
    expect(grant.residualAt("other:read", 20)).toBeUndefined();
  });
});

describe("behind an entry that nobody can read", () => {
  test("an answer that waited for what the entry announced goes on, for the events before it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    policy.version = version(2);
    const asked = decisions.ask(grant, "order:read");
    await new Promise<void>((resolve) => setImmediate(resolve));
    decisions.invalidateAll(20);
    await asked;
    expect(grant.residualAt("order:read", 19)?.allows(ORDER)).toBe(true);
    expect(grant.residualAt("order:read", 20)).toBeUndefined();
    await decisions.ask(grant, "order:read");
    expect(grant.residualAt("order:read", 20)?.allows(ORDER)).toBe(true);
  });

  test("policy is asked for what its store holds, and no answer of an earlier question says what the log has announced", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions, grant } = await open(policy);
    const held = policy.hold();
    const early = decisions.ask(grant, "order:read");
    await held.reached;
    decisions.invalidateAll(20);
    held.release();
    await early;
    // The entry that nobody can read has announced it.
    policy.version = version(2);
    await decisions.ask(grant, "order:read");
    expect(policy.atLeast).toBeUndefined();
    expect(grant.residualAt("order:read", 20)?.allows(ORDER)).toBe(true);
    await decisions.ask(grant, "other:read");
    expect(policy.atLeast).toEqual(version(2));
  });
});

describe("a grant", () => {
  test("that was resolved before a change to its subject is good only up to it", async () => {
    const policy = new OneGrantPolicy(1);
    const { decisions } = await open(policy);
    const held = policy.hold();
    const resolving = decisions.resolve(ALICE);
    await held.reached;
    decisions.apply({ version: 2, build: "b2", subjects: ["alice"] }, 20);
    held.release();
    expect(decisions.validityOf(await resolving)).toEqual({ through: 19, endedBy: version(2) });
    policy.version = version(2);
    expect(decisions.validityOf(await decisions.resolve(ALICE))).toEqual({ through: STILL_VALID });
  });

  test("decides like every other with the same id, in one place", async () => {
    const { decisions, grant } = await open(new OneGrantPolicy(1));
    expect((await decisions.resolve({ ...ALICE, id: "bob" })).grant).toBe(grant);
  });

  test("of a log that was opened anew starts without decisions", async () => {
    const { decisions, grant } = await open(new OneGrantPolicy(1));
    await decisions.ask(grant, "order:read");
    decisions.reset({ version: 1, build: "b1" });
    expect(grant.residualAt("order:read", 1)).toBeUndefined();
  });
});

describe("the event map", () => {
  test("names the permission of an event type, and none for what it does not hold", async () => {
    const { decisions } = await open(new OneGrantPolicy(1));
    expect(decisions.permissionFor("order.created")).toBe("order:read");
    expect(decisions.permissionFor("invoice.created")).toBeUndefined();
  });

  test("tells which types it does not name, once it is known", async () => {
    const policy = new OneGrantPolicy(1);
    expect(new Decisions("acme", policy, { decisionAsked: () => {} }).isWithoutRule("invoice.created")).toBe(false);
    const { decisions } = await open(policy);
    expect(decisions.isWithoutRule("invoice.created")).toBe(true);
    expect(decisions.isWithoutRule("order.created")).toBe(false);
  });
});

async function open(policy: OneGrantPolicy, tracer = noTracer) {
  const decisions = new Decisions("acme", policy, { decisionAsked: () => {} }, tracer);
  decisions.reset({ version: policy.version.number, build: policy.version.build });
  const { grant } = await decisions.resolve(ALICE);
  return { decisions, grant };
}
