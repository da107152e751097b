import { afterEach, describe, expect, test, vi } from "vitest";
import { createRig as createEdgeRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { waitFor } from "#test/support/wait.ts";
import type { SessionAnswer } from "../access/ports.ts";
import { rebindStream } from "./calls/rebind-stream.ts";
import { bye } from "./end-stream.ts";
import type { Hub } from "./hub.ts";
import { createKeepAlive } from "./keep-alive.ts";

const rigs: EdgeRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

const live = (remainingMs: number, isFinal = false): SessionAnswer => ({ state: "live", remainingMs, isFinal });

/** An edge whose readers are looked after when the test says so. */
function createRig() {
  const idle: number[] = [];
  const rig = createEdgeRig({ observer: silentObserver({ idle: (streams) => void idle.push(streams) }) });
  rigs.push(rig);
  const lifetimes = { idleMs: 30_000, idleEndMs: 200_000, maxAgeMs: Number.POSITIVE_INFINITY };
  const look = createKeepAlive(rig.edge.hub, { ...rig.edge, lifetimes });
  return {
    ...rig,
    /** How many streams were idle, at each look. */
    idle,
    /** Lets time go by, a second for each look. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        rig.clock.now += 1_000;
        rig.tenant.log.markAlive();
        await look();
        await new Promise(setImmediate);
      }
    },
    extensions: () => rig.auth.asked.filter(({ extend }) => extend).length,
  };
}

const count = (text: string, event: string): number => text.split(`event: ${event}\n`).length - 1;

describe("near the end of its session", () => {
  test.each<[string, SessionAnswer]>([
    ["with the token's end as the last one", live(1_000, true)],
    ["as over", { state: "expired" }],
  ])("a stream that auth does not prolong, answering %s, keeps the end it announced", async (_how, refusal) => {
    const rig = createRig();
    const client = await rig.open();
    rig.auth.answer = refusal;
    await rig.pass(59);
    rig.event("before the end");
    await waitFor("the event", () => client.events().includes("before the end"));
    expect(client.raw()).not.toContain("auth_error");
    expect(rig.extensions()).toBe(1);
    await rig.pass(1);
    await client.ended();
    expect(count(client.raw(), "auth_error")).toBe(1);
    expect(client.raw()).toContain('"reason":"expired"');
  });

  test("auth is asked again only half way to the end, and not once it has named the last one", async () => {
    const rig = createRig();
    const client = await rig.open();
    await rig.pass(30);
    expect(rig.extensions()).toBe(0);
    await rig.pass(2);
    expect(rig.extensions()).toBe(1);
    await client.frame("session");
    rig.auth.answer = live(45_000, true);
    await rig.pass(40);
    expect(rig.extensions()).toBe(2);
    await waitFor("the last end", () => count(client.raw(), "session") === 2);
    await rig.pass(40);
    await client.ended();
    expect(rig.extensions()).toBe(2);
    expect(count(client.raw(), "auth_error")).toBe(1);
  });

  test("a client is told of more time also where auth gave it when its rights were asked for again", async () => {
    const rig = createRig();
    const client = await rig.open();
    await rig.pass(32);
    await client.frame("session");
    await rig.pass(5);
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    await rig.pass(2);
    await waitFor("the later end", () => count(client.raw(), "session") === 2);
    expect(rig.extensions()).toBe(2);
  });

  test("a session that is over ends a stream whose person's rights are invalidated", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.auth.answer = { state: "expired" };
    rig.control({ of: "session", entry: { sub: "alice", action: "changed" } });
    await client.ended();
    expect(count(client.raw(), "auth_error")).toBeLessThan(2);
  });

  test("a session that was revoked ends a stream that asks for more time at once", async () => {
    const rig = createRig();
    const client = await rig.open();
    rig.auth.answer = { state: "revoked" };
    await rig.pass(35);
    await client.ended();
    expect(client.raw()).toContain('"reason":"revoked"');
  });
});

describe("a stream without events", () => {
  test("is counted as idle, is not any more with its next event, and ends in the end with its wait", async () => {
    const rig = createRig();
    rig.auth.answer = live(3_600_000);
    const client = await rig.open();
    await rig.pass(29);
    expect(rig.idle.at(-1)).toBe(0);
    await rig.pass(1);
    expect(rig.idle.at(-1)).toBe(1);
    rig.event("at last");
    await waitFor("the event", () => client.events().includes("at last"));
    await rig.pass(29);
    expect(rig.idle.at(-1)).toBe(0);
    await rig.pass(90);
    expect(client.raw()).not.toContain("event: bye");
    // A tenth more than its time, at most.
    await rig.pass(102);
    await client.ended();
    const [, reason, retryMs] = /event: bye\ndata: \{"reason":"(\w+)","retryMs":(\d+)\}/.exec(client.raw()) ?? [];
    expect(reason).toBe("idle");
    expect(client.raw()).toMatch(new RegExp(`^retry: ${retryMs}\nevent: ready`, "m"));
    expect(rig.idle.at(-1)).toBe(0);
  });

  test("lives on with its person's next call", async () => {
    const rig = createRig();
    rig.auth.answer = live(3_600_000);
    const client = await rig.open();
    await rig.pass(150);
    const [stream] = rig.edge.hub.streams();
    if (stream === undefined) throw new Error("there is no stream");
    await rebindStream(stream, stream.reader.registration.identity, rig.edge);
    await rig.pass(150);
    expect([rig.edge.hub.size, client.raw().includes("event: bye")]).toEqual([1, false]);
  });
});

test("an overloaded edge ends one of a hundred idle streams a second, and none that has had an event", async () => {
  const rig = createRig();
  rig.auth.answer = live(3_600_000);
  const clients = [await rig.open(), await rig.open("topic=order.*.never"), await rig.open("topic=order.*.never")];
  await rig.pass(59);
  rig.event("for the first");
  await waitFor("the event", () => clients[0]?.events().length === 1);
  rig.load.now = { loopDelayMs: 0, memory: 0.95, descriptors: 0 };
  for (let look = 0; look < 3; look += 1) {
    rig.edge.overload.look();
    rig.clock.now += 250;
  }
  const ended = (): number[] => clients.map((client) => count(client.raw(), "bye"));
  await rig.pass(1);
  await waitFor("the first end", () => ended().includes(1));
  expect(ended()).toEqual([0, 1, 0]);
  await rig.pass(3);
  await waitFor("the second end", () => ended()[2] === 1);
  await clients[0]?.allWritten();
  expect(ended()).toEqual([0, 1, 1]);
});

test("what an ended stream has written is dropped when its right is over, where its client has not taken it", async () => {
  const rig = createRig();
  await rig.open();
  const [stream] = rig.edge.hub.streams();
  if (stream === undefined) throw new Error("there is no stream");
  const reset = vi.spyOn(stream.reader.connection, "reset");
  stream.reader.end(bye("max_age", 1_000));
  await rig.pass(0);
  expect(reset).not.toHaveBeenCalled();
  rig.clock.now += 60_000;
  const passing = rig.pass(1);
  expect(reset).toHaveBeenCalledOnce();
  await passing;
});

test("streams are looked after in turns of the loop, however many there are", async () => {
  const rig = createEdgeRig();
  rigs.push(rig);
  let looked = 0;
  const stream = {
    get reader() {
      looked += 1;
      return { ended: true, registration: {} };
    },
  };
  const hub = { size: 450, streams: () => Array.from({ length: 450 }, () => stream) } as unknown as Hub;
  const round = createKeepAlive(hub, rig.edge)();
  expect(looked).toBe(200);
  await round;
  expect(looked).toBe(450);
});
