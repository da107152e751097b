import { describe, expect, test } from "vitest";
import { createRig } from "#test/rigs/edge-rig.ts";
import { createPresenceBus } from "#test/rigs/presence-bus.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Roster } from "../../presence/ports.ts";
import type { Reader } from "../reader.ts";
import { PresenceSources } from "./presence-sources.ts";
import { PresenceWatches } from "./presence-watches.ts";
import { createStreamPresence } from "./stream-presence.ts";

type Bus = ReturnType<typeof createPresenceBus>;
type Opened = Awaited<ReturnType<ReturnType<typeof createWorker>["rig"]["open"]>>;

/** A worker with its own edge, whose time goes by; it hears the others on `bus`. */
function createWorker(workerId: string, bus: Bus, roster: Roster = { read: undefined, size: () => 1 }) {
  const rig = createRig({ places: 1_000 });
  const { hub } = rig.edge;
  const now = (): number => performance.now();
  const sent = { news: 0, frames: 0 };
  const figures = { sent: () => void (sent.news += 1), framed: () => void (sent.frames += 1) };
  const invisible = new WeakSet<Reader>();
  const peers = bus.peersOf(workerId);
  const deps = {
    peers,
    workerId,
    roster,
    figures,
    observer: silentObserver(),
    hub,
    invisible,
    now,
    wallOf: (ms: number) => ms,
  };
  const sources = new PresenceSources({ ...deps, applyHere: (topic, news) => watches.apply(topic, news) });
  const watches = new PresenceWatches({ ...deps, now: rig.edge.now, askHere: (interest) => sources.want(interest) });
  const serving = peers.serve((interest) => sources.want(interest));
  Object.assign(rig.edge, { presence: createStreamPresence(watches, invisible) });
  return {
    rig,
    sent,
    watches,
    async [Symbol.asyncDispose]() {
      serving[Symbol.dispose]();
      sources[Symbol.dispose]();
      watches[Symbol.dispose]();
      await rig[Symbol.asyncDispose]();
    },
  };
}

interface PresenceFrame {
  readonly seq: number;
  readonly snapshot?: true;
  readonly joined: readonly { readonly subject: string }[];
  readonly left: readonly string[];
  readonly partial: boolean;
}

function framesOf(stream: Opened): PresenceFrame[] {
  return [...stream.raw().matchAll(/event: presence\ndata: (.*)\n\n/g)].map(
    ([, data = ""]) => JSON.parse(data) as PresenceFrame,
  );
}

function known(stream: Opened): string[] {
  const people = new Set<string>();
  for (const { snapshot, joined, left } of framesOf(stream)) {
    if (snapshot === true) people.clear();
    for (const { subject } of joined) people.add(subject);
    for (const subject of left) people.delete(subject);
  }
  return [...people].toSorted();
}

const WATCHING = "topic=order.>&presence=order.*.42";

test.concurrent("joins and leaves on another worker are told to a stream here", async () => {
  const bus = createPresenceBus();
  const two: Roster = { read: undefined, size: () => 2 };
  await using one = createWorker("w1", bus, two);
  await using second = createWorker("w2", bus, two);
  const alice = await one.rig.open(WATCHING);
  await waitFor("alice sees herself", () => known(alice).includes("alice"));
  expect(framesOf(alice)[0]).toMatchObject({ snapshot: true, partial: false });
  const bob = await second.rig.open("topic=order.created.*", undefined, { sub: "bob" });
  await waitFor("bob joins", () => known(alice).includes("bob"));
  bob.leave();
  await waitFor("bob leaves", () => !known(alice).includes("bob"));
  expect(framesOf(alice).map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test.concurrent("a hundred who join at once are one message of their worker, and one frame", async () => {
  const bus = createPresenceBus();
  await using one = createWorker("w1", bus);
  await using second = createWorker("w2", bus);
  const alice = await one.rig.open(WATCHING);
  await waitFor("both have told", () => known(alice).length === 1 && second.sent.news === 1);
  const joins = Array.from({ length: 100 }, (_, n) => second.rig.open("topic=order.>", undefined, { sub: `p${n}` }));
  await Promise.all(joins);
  await waitFor("all are there", () => known(alice).length === 101);
  // However busy the machine is, most of them come together.
  expect(second.sent.news).toBeLessThan(30);
});

test.concurrent("while nobody watches, nothing is told, and nothing is left of those who did", async () => {
  const bus = createPresenceBus();
  await using one = createWorker("w1", bus);
  await one.rig.open("topic=order.>");
  const alice = await one.rig.open(WATCHING);
  await waitFor("alice is told", () => framesOf(alice).length > 0);
  expect([one.watches.size, bus.following()]).toEqual([1, 1]);
  alice.leave();
  await waitFor("it is over", () => one.watches.size === 0);
  expect(bus.following()).toBe(0);
  await using quiet = createWorker("w2", bus);
  for (let n = 0; n < 5; n += 1) await quiet.rig.open("topic=order.>");
  expect([quiet.sent.news, bus.counts.interests]).toEqual([0, 1]);
});

describe.concurrent("a stream that watches", () => {
  test("shares frames with others that watch the same; a later one begins with all who are there", async () => {
    const bus = createPresenceBus();
    await using one = createWorker("w1", bus);
    const first = await one.rig.open(WATCHING);
    await waitFor("the first is told", () => framesOf(first).length === 1);
    const second = await one.rig.open(WATCHING, undefined, { sub: "bob" });
    await waitFor("the second is told", () => known(second).length === 2);
    expect(framesOf(second)[0]).toMatchObject({ snapshot: true });
    expect(framesOf(first)[1]).not.toHaveProperty("snapshot");
    expect([one.watches.size, bus.counts.interests]).toEqual([1, 1]);
  });

  test("gets no frame while it reads nothing, and everything in one when it reads again", async () => {
    const bus = createPresenceBus();
    await using one = createWorker("w1", bus);
    const slow = await one.rig.open(WATCHING);
    const quick = await one.rig.open(WATCHING, undefined, { sub: "quick" });
    await waitFor("both are told", () => known(slow).length === 2 && known(quick).length === 2);
    const before = framesOf(slow).length;
    const writable = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(slow.connection), "writable");
    Object.defineProperty(slow.connection, "writable", { configurable: true, get: () => false });
    for (const sub of ["bob", "cy"]) {
      await one.rig.open("topic=order.>", undefined, { sub });
      await waitFor(`${sub} is there`, () => known(quick).includes(sub));
    }
    Object.defineProperty(slow.connection, "writable", writable ?? {});
    await waitFor("all are told", () => known(slow).length === 4);
    expect(framesOf(slow).slice(before)).toEqual([expect.objectContaining({ snapshot: true })]);
  });

  test("without the right is told that it has none, and others' frames do not come to it", async () => {
    const bus = createPresenceBus();
    await using one = createWorker("w1", bus);
    one.rig.policy.allowed.set("presence:read", ["order.created.>"]);
    const alice = await one.rig.open(WATCHING);
    expect(alice.raw()).toContain('"presence":[{"topic":"order.*.42","granted":false}]');
    const bob = await one.rig.open("topic=order.>&presence=order.created.42", undefined, { sub: "bob" });
    await waitFor("the other is told", () => known(bob).length === 2);
    expect([framesOf(alice), one.watches.size]).toEqual([[], 1]);
  });

  test("is told no more from the tick on in which a change of policy is applied", async () => {
    const bus = createPresenceBus();
    await using one = createWorker("w1", bus);
    const alice = await one.rig.open(WATCHING);
    await waitFor("alice is told", () => framesOf(alice).length === 1);
    const held = one.rig.policy.hold();
    one.rig.policy.version = 2;
    one.rig.control({ of: "policy", entry: { version: 2, build: "b2", all: true } });
    await held.asked;
    const bob = await openAnother(one);
    expect(framesOf(alice)).toHaveLength(1);
    one.rig.policy.allowed.set("presence:read", []);
    one.rig.policy.grantId = "viewer";
    held.release();
    await waitFor("alice is told that she may not", () => alice.raw().includes('"granted":false'));
    bob.leave();
    await waitFor("the watch is over", () => one.watches.size === 0);
    expect(framesOf(alice)).toHaveLength(1);
  });

  test("over the limit of its tenant is refused, where it may watch at all", async () => {
    const bus = createPresenceBus();
    await using one = createWorker("w1", bus);
    const ten = (from: number) => Array.from({ length: 10 }, (_, n) => `&presence=order.*.${from + n}`).join("");
    for (let n = 0; n < 1_000; n += 10) await one.rig.open(`topic=order.>${ten(n)}`);
    await expect(one.rig.open("topic=order.>&presence=order.*.1000")).rejects.toMatchObject({ code: "limit_exceeded" });
    await one.rig.open("topic=order.>&presence=order.*.999");
    expect(one.watches.size).toBe(1_000);
  });
});

/** Somebody who joins, and is known to have been looked for since: another who watches the same is told. */
async function openAnother(worker: ReturnType<typeof createWorker>): Promise<Opened> {
  const policy = worker.rig.policy;
  policy.grantId = "another";
  const bob = await worker.rig.open(WATCHING, undefined, { sub: "bob" });
  await waitFor("bob is told", () => framesOf(bob).length > 0);
  return bob;
}

test.concurrent("a worker that lives and does not answer makes frames partial; one whose lease ends has left", async () => {
  const bus = createPresenceBus();
  const living = new Set(["w1", "w2", "silent"]);
  const roster: Roster = { read: async () => living, size: () => 1 };
  await using one = createWorker("w1", bus, roster);
  const dying = createWorker("w2", bus, roster);
  await dying.rig.open("topic=order.>", undefined, { sub: "bob" });
  const alice = await one.rig.open(WATCHING);
  const ticking = setInterval(() => (one.rig.clock.now += 100), 20);
  try {
    await waitFor("alice is told", () => framesOf(alice).length > 0);
    expect(framesOf(alice)[0]).toMatchObject({ snapshot: true, partial: true });
    expect(known(alice)).toEqual(["alice", "bob"]);
    await dying[Symbol.asyncDispose]();
    expect(known(alice)).toContain("bob");
    living.delete("w2");
    living.delete("silent");
    await waitFor("bob has left", () => !known(alice).includes("bob"));
    expect(framesOf(alice).at(-1)).toMatchObject({ partial: false });
  } finally {
    clearInterval(ticking);
  }
});
