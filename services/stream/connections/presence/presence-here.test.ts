import { describe, expect, test } from "vitest";
import { createRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Reader } from "../reader.ts";
import type { PresenceQuestion } from "../../presence/presence-question.ts";
import { answerHere } from "./presence-here.ts";
import { TenantSources } from "./tenant-sources.ts";

type Rig = ReturnType<typeof createRig>;

const QUESTION: PresenceQuestion = {
  tenant: "acme",
  topic: "order.created.42",
  wants: "people",
  after: "",
  limit: 500,
};

const invisible = new WeakSet<Reader>();

function depsOf({ edge }: Rig) {
  return { hub: edge.hub, invisible, wallOf: (ms: number) => ms + 1_000_000 };
}

async function namesFor(rig: Rig, topic: string): Promise<string[]> {
  return (await answerHere({ ...QUESTION, topic }, depsOf(rig))).people.map(({ subject }) => subject);
}

test.each([
  ["order.created.42", ["all", "created", "exact"]],
  ["order.created.43", ["all", "created"]],
  ["order.deleted.42", ["all"]],
  ["order.*.42", ["all", "created", "exact"]],
  ["order.>", ["all", "created", "exact", "other"]],
  ["*.created.7", ["all", "created", "other"]],
  [">", ["all", "created", "exact", "other"]],
  ["ticket.>", []],
])("%s is listened to by those who would get an event under it", async (topic, expected) => {
  await using rig = createRig();
  const subscriptions = {
    all: "order.>",
    created: "order.created.*",
    exact: "order.created.42",
    other: "order.created.7",
  };
  for (const [sub, pattern] of Object.entries(subscriptions)) await rig.open(`topic=${pattern}`, undefined, { sub });
  expect(await namesFor(rig, topic)).toEqual(expected);
});

test("a person who may not see the topic does not listen to it, whatever was asked for", async () => {
  await using rig = createRig();
  rig.policy.allow = ["order.*.alice", "ticket.>"];
  await rig.open("topic=order.>&topic=invoice.>");
  expect(await namesFor(rig, "order.created.alice")).toEqual(["alice"]);
  expect(await namesFor(rig, "order.created.*")).toEqual(["alice"]);
  expect(await namesFor(rig, "order.created.bob")).toEqual([]);
  // No rule of the event map names it: nobody gets such an event.
  expect(await namesFor(rig, "ticket.opened.1")).toEqual([]);
});

test("a change of rights counts as soon as policy has answered, and until then the person is there", async () => {
  await using rig = createRig();
  await rig.open("topic=order.>");
  const sources = new TenantSources();
  const source = sources.add("order.created.42");
  const isThere = async () => (await sources.look(rig.tenant, depsOf(rig))).get(source)?.result().devices === 1;
  expect(await isThere()).toBe(true);
  const policy = rig.policy.hold();
  rig.policy.allow = ["order.*.7"];
  rig.policy.version = 2;
  rig.control({ of: "policy", entry: { version: 2, build: "b2", all: true } });
  await policy.asked;
  expect(await isThere()).toBe(true);
  policy.release();
  await waitFor("gone", async () => !(await isThere()));
});

test("connections of a person are counted, since the first of them, and not of one who is invisible", async () => {
  await using rig = createRig();
  await rig.open();
  rig.clock.now += 500;
  await rig.open();
  await rig.open("topic=order.*", undefined, { sub: "bob" });
  const bob = [...rig.edge.hub.streams()].find(({ reader }) => reader.registration.identity.subject.id === "bob");
  if (bob !== undefined) invisible.add(bob.reader);
  const { people } = await answerHere({ ...QUESTION, topic: ">" }, depsOf(rig));
  expect(people).toEqual([{ subject: "alice", sinceMs: 1_001_000, devices: 2 }]);
});

test("a question about one person says what that person listens to", async () => {
  await using rig = createRig();
  await rig.open("topic=order.created.*&topic=order.>&topic=ticket.*");
  await rig.open("topic=order.>", undefined, { sub: "bob" });
  const question: PresenceQuestion = { ...QUESTION, topic: ">", subject: "alice", wants: "topics", limit: 1 };
  const { people, topics } = await answerHere(question, depsOf(rig));
  expect([people.length, topics]).toEqual([1, ["order.>", "order.created.*"]]);
  expect(await answerHere({ ...question, subject: "nobody" }, depsOf(rig))).toMatchObject({ people: [], topics: [] });
});

test("streams of another tenant on the same worker are not among them, whatever they listen to", async () => {
  await using rig = createRig();
  await using other = createRig();
  await rig.open();
  await other.open("topic=order.>", undefined, { sub: "mallory" });
  const hub = {
    tenant: () => rig.tenant,
    streams: () => [...other.edge.hub.streams(), ...rig.edge.hub.streams()],
  };
  const { people, devices } = await answerHere({ ...QUESTION, topic: ">" }, { ...depsOf(rig), hub });
  expect([people.map(({ subject }) => subject), devices]).toEqual([["alice"], 1]);
  const sources = new TenantSources();
  const source = sources.add("order.>");
  expect((await sources.look(rig.tenant, { ...depsOf(rig), hub })).get(source)?.result().devices).toBe(1);
});

test("a tenant that this worker does not serve has nobody here", async () => {
  await using rig = createRig();
  await rig.open();
  expect(await answerHere({ ...QUESTION, tenant: "other", topic: ">" }, depsOf(rig))).toMatchObject({
    people: [],
    devices: 0,
  });
});

describe("watched topics", () => {
  test("are looked for together, also those that are added later, and not those that are over", async () => {
    await using rig = createRig();
    await rig.open("topic=order.created.*");
    await rig.open("topic=order.>", undefined, { sub: "bob" });
    const sources = new TenantSources();
    const look = async () => {
      const found = await sources.look(rig.tenant, depsOf(rig));
      return [...found].map(([{ topic }, list]) => `${topic} ${[...(list.result().people?.keys() ?? [])].join()}`);
    };
    sources.add("order.created.1").wantedAt = 5;
    sources.add("order.deleted.1").wantedAt = 9;
    expect(await look()).toEqual(["order.created.1 alice,bob", "order.deleted.1 bob"]);
    sources.add("*.created.2").wantedAt = 9;
    sources.dropBefore(9);
    expect(await look()).toEqual(["order.deleted.1 bob", "*.created.2 alice,bob"]);
    sources.add("order.created.1").wantedAt = 9;
    expect(await look()).toEqual(["order.deleted.1 bob", "*.created.2 alice,bob", "order.created.1 alice,bob"]);
  });

  test("that come and go by the hundred are still found once each", async () => {
    await using rig = createRig();
    await rig.open("topic=order.>");
    const sources = new TenantSources();
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < 100; n += 1) sources.add(`order.created.${round}-${n}`).wantedAt = round;
      sources.dropBefore(round);
      const found = await sources.look(rig.tenant, depsOf(rig));
      expect([...found.values()].map((list) => list.result().devices)).toEqual(Array(100).fill(1));
    }
  });

  test("of a tenant that this worker does not serve are listened to by nobody here", async () => {
    await using rig = createRig();
    const sources = new TenantSources();
    const source = sources.add("order.>");
    const found = await sources.look(undefined, depsOf(rig));
    expect(found.get(source)?.result()).toEqual({ people: new Map(), devices: 0 });
  });
});
