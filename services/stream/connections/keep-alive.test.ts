import { afterEach, describe, expect, test } from "vitest";
import { createRig as createEdgeRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import type { SessionAnswer } from "../access/ports.ts";
import { createKeepAlive } from "./keep-alive.ts";

const rigs: EdgeRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

const live = (remainingMs: number, isFinal = false): SessionAnswer => ({ state: "live", remainingMs, isFinal });

/** An edge whose readers are looked after when the test says so. */
function createRig() {
  const rig = createEdgeRig();
  rigs.push(rig);
  const look = createKeepAlive(rig.edge.hub, rig.edge);
  return {
    ...rig,
    /** Lets time go by, a second for each look. */
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        rig.clock.now += 1_000;
        rig.tenant.log.markAlive();
        look();
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

  test("a session that is over ends a stream whose person's rights are in doubt", async () => {
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
