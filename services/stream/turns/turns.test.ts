import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { TenantTurns } from "./share.ts";
import { Turns } from "./turns.ts";

describe("turns", () => {
  test("begin at once where nobody else has work", () => {
    const { turns, done } = createTurns();
    turns.forTenant().finish(steps(done, "a", 3));
    expect(done).toEqual(["a", "a", "a"]);
  });

  test("go to the tenant that has had the least time: one with fifty times the work keeps another waiting for a step", async () => {
    const { turns, done, take } = createTurns();
    const [noisy, quiet] = [turns.forTenant(), turns.forTenant()];
    for (let n = 0; n < 50; n += 1) noisy.run(steps(done, "noisy", 20, () => take(0.5)));
    await waitUntil(() => done.length >= 100);
    quiet.run(steps(done, "quiet", 4, () => take(0.5)));
    const from = done.length;
    await waitUntil(() => done.length >= from + 20);
    const next = done.slice(from, from + 9);
    expect(next.indexOf("quiet")).toBeLessThanOrEqual(1);
    expect(next.filter((name) => name === "quiet")).toHaveLength(4);
  });

  test("count time and not steps: long steps come more rarely", async () => {
    const { turns, done, take } = createTurns();
    turns.forTenant().run(steps(done, "long", 1_000, () => take(2)));
    turns.forTenant().run(steps(done, "short", 1_000, () => take(0.2)));
    await waitUntil(() => done.length >= 440);
    const longs = done.slice(0, 440).filter((name) => name === "long").length;
    expect(longs).toBeGreaterThan(30);
    expect(longs).toBeLessThan(50);
  });

  test("are not saved up by a tenant that has no work", async () => {
    const { turns, done, take } = createTurns();
    const [early, late] = [turns.forTenant(), turns.forTenant()];
    early.run(steps(done, "early", 400, () => take(0.5)));
    await waitUntil(() => done.length >= 100);
    late.run(steps(done, "late", 400, () => take(0.5)));
    const from = done.length;
    await waitUntil(() => done.length >= from + 100);
    expect(done.slice(from, from + 100).filter((name) => name === "early").length).toBeGreaterThan(40);
  });

  test("end after 4 ms, so that timers and sockets are seen to, whatever there is to do", async () => {
    const { turns, done, take, checks } = createTurns();
    turns.forTenant().finish(steps(done, "a", 1_000, () => take(0.5)));
    expect(done).toHaveLength(8);
    await nextTurn();
    expect(done).toHaveLength(16);
    expect(checks()).toBe(1);
  });
});

describe("a tenant's turns", () => {
  test("finish what is begun, in order, before anything else", async () => {
    const { turns, done } = createTurns();
    const tenant = turns.forTenant();
    tenant.run(() => {
      done.push("entry");
      if (done.length > 1) return false;
      tenant.finish(steps(done, "first flush", 2));
      tenant.finish(steps(done, "second flush", 1));
      return true;
    });
    await waitUntil(() => done.length === 5);
    expect(done).toEqual(["entry", "first flush", "first flush", "second flush", "entry"]);
  });

  test("go to work and to those who wait in alternation, one at a time", async () => {
    const { turns, done } = createTurns();
    const tenant = turns.forTenant();
    tenant.run(steps(done, "entry", 6));
    await Promise.all([waitAsReader(tenant, done, "x", 2), waitAsReader(tenant, done, "y", 1)]);
    await waitUntil(() => done.length === 9);
    expect(done.slice(1, 6)).toEqual(["entry", "x", "entry", "y", "entry"]);
  });

  test("are charged with what those who waited do in them", async () => {
    const { turns, done, take } = createTurns();
    const [waiting, other] = [turns.forTenant(), turns.forTenant()];
    const reader = waitAsReader(waiting, done, "reader", 40, () => take(2));
    other.run(steps(done, "other", 1_000, () => take(0.2)));
    await waitUntil(() => done.length >= 220);
    expect(done.slice(0, 220).filter((name) => name === "reader").length).toBeLessThan(30);
    await reader;
  });
});

/** Turns by a clock that only work moves. */
function createTurns() {
  let now = 0;
  let checked = 0;
  const done: string[] = [];
  const turns = new Turns({ now: () => now, checkClock: () => void (checked += 1) });
  return { turns, done, take: (ms: number) => void (now += ms), checks: () => checked };
}

function steps(done: string[], name: string, count: number, act: () => void = () => {}): () => boolean {
  let left = count;
  return () => {
    act();
    done.push(name);
    left -= 1;
    return left > 0;
  };
}

async function waitAsReader(
  turns: TenantTurns,
  done: string[],
  name: string,
  count: number,
  act: () => void = () => {},
): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await turns.next();
    act();
    done.push(name);
  }
}

/** Many turns of the loop, and no time: what is waited for needs nothing but turns. */
async function waitUntil(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isSo(); turn += 1) await nextTurn();
  expect(isSo()).toBe(true);
}
