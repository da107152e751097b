import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type EdgeRig, LIVE } from "#test/rigs/edge-rig.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import { reachOf } from "./connections/reach-of.ts";

let rig: EdgeRig;
let withheld: string[];
let withoutRule: string[];

beforeEach(() => {
  [withheld, withoutRule] = [[], []];
  const observer = silentObserver({
    withheld: (reason) => void withheld.push(reason),
    withoutRule: (type, tenant) => void withoutRule.push(`${tenant} ${type}`),
  });
  rig = createRig({ observer });
});
afterEach(() => rig[Symbol.asyncDispose]());

const reach = (...seqs: readonly number[]) => reachOf(rig.edge.hub, { tenant: "acme", epoch: "first-epoch", seqs });
const allLive = () => waitFor("all are live", () => !rig.tenant.hasBehind);

describe("an event", () => {
  test("reaches those who ask for it and may see it; of the others it is told why not", async () => {
    const clients = [await rig.open(), await rig.open(), await rig.open("topic=order.deleted.>")];
    rig.policy.grantId = "stranger";
    rig.policy.allow = ["order.deleted.>"];
    await rig.open();
    rig.event("decided now");
    await waitFor("the first event", () => clients[1]!.events().length === 1);
    await allLive();
    expect(await reach(2)).toEqual([{ seq: 2, reached: 2, denied: 1, behind: 0, connected: 4, isWithoutRule: false }]);
    rig.event("decided before");
    await waitFor("the event", () => clients[1]!.events().length === 2);
    expect(await reach(3)).toEqual([{ seq: 3, reached: 2, denied: 1, behind: 0, connected: 4, isWithoutRule: false }]);
    expect(withheld).toEqual([]);
  });

  test("waits for a reader that is behind and asks for it, and has reached it once that has read it", async () => {
    const client = await rig.open();
    rig.event("decided now");
    await waitFor("the first event", () => client.events().length === 1);
    await allLive();
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    rig.event("held");
    rig.event("not for it", undefined, "invoice.created.1");
    expect(await reach(4, 5, 6)).toMatchObject([
      { seq: 4, reached: 0, behind: 1, connected: 1, isWithoutRule: false },
      { seq: 5, reached: 0, behind: 0, connected: 1, isWithoutRule: true },
    ]);
    held.answer(LIVE);
    await waitFor("the event", () => client.events().length === 2);
    await allLive();
    expect(await reach(4)).toMatchObject([{ reached: 1, behind: 0 }]);
  });

  test("has reached a reader that comes to it while the others are looked through", async () => {
    await rig.open();
    rig.event("decided now");
    await allLive();
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    rig.event("held");
    const [stream] = rig.edge.hub.streams();
    const passing = function* () {
      held.answer(LIVE);
      rig.tenant.reach.written(4, 1);
      yield { ...stream!, reader: { behindSince: undefined } } as typeof stream & {};
    };
    const hub = { tenant: () => rig.tenant, streams: passing };
    expect(await reachOf(hub, { tenant: "acme", epoch: "first-epoch", seqs: [4] })).toMatchObject([{ reached: 1 }]);
  });
});

describe("an event that reaches nobody", () => {
  test("is counted with its reason: no rule, nobody who asks for it, nobody who may see it", async () => {
    rig.policy.allow = ["order.created.seen"];
    const client = await rig.open("topic=order.created.>");
    rig.event("decided now", undefined, "order.created.seen");
    await waitFor("the first event", () => client.events().length === 1);
    await allLive();
    rig.event("no rule", undefined, "invoice.created.1");
    rig.event("nobody asks", undefined, "order.deleted.1");
    rig.event("nobody may", undefined, "order.created.secret");
    rig.event("seen", undefined, "order.created.seen");
    expect(withheld).toEqual(["no_rule", "no_listener", "denied"]);
    expect(withoutRule).toEqual(["acme invoice.created"]);
  });

  test("is denied where somebody asks for its topic and is granted nothing under it", async () => {
    rig.policy.eventMap = [...rig.policy.eventMap, { pattern: "invoice.*", permission: "invoice:read" }];
    rig.policy.allowed.set("invoice:read", []);
    const client = await rig.open("topic=order.>&topic=invoice.>");
    rig.event("decided now");
    await waitFor("the first event", () => client.events().length === 1);
    await allLive();
    rig.event("nobody may", undefined, "invoice.created.1");
    expect(withheld).toEqual(["denied"]);
    expect(await reach(3)).toEqual([{ seq: 3, reached: 0, denied: 1, behind: 0, connected: 1, isWithoutRule: false }]);
  });

  test("is counted when the readers that were behind have passed it, and not where one of them got it", async () => {
    const client = await rig.open("topic=order.created.>");
    rig.event("decided now");
    await waitFor("the first event", () => client.events().length === 1);
    await allLive();
    const held = rig.holdSession();
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    rig.event("held");
    rig.event("nobody asks", undefined, "order.deleted.1");
    expect(withheld).toEqual([]);
    held.answer(LIVE);
    await waitFor("the event", () => client.events().length === 2);
    await allLive();
    rig.event("seen");
    expect(withheld).toEqual(["no_listener"]);
  });

  test("is not remembered in a log that has begun anew", async () => {
    await rig.open();
    rig.event("old", undefined, "invoice.created.1");
    expect(await reach(2)).toHaveLength(1);
    expect(await reachOf(rig.edge.hub, { tenant: "acme", epoch: "other-epoch", seqs: [2] })).toEqual([]);
    expect(await reachOf(rig.edge.hub, { tenant: "nobody", epoch: "first-epoch", seqs: [2] })).toEqual([]);
  });
});
