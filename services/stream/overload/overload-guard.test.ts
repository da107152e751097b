import { expect, test } from "vitest";
import type { Load, OverloadStep } from "./overload-steps.ts";
import { OverloadGuard } from "./overload-guard.ts";

const CALM: Load = { loopDelayMs: 0, memory: 0.1, descriptors: 0.1 };
const LOADS: Readonly<Record<OverloadStep, Load>> = {
  calm: CALM,
  stretch: { ...CALM, loopDelayMs: 100 },
  pause: { ...CALM, loopDelayMs: 250 },
  refuse: { ...CALM, memory: 0.9 },
  shed: { ...CALM, memory: 0.95 },
};

/** A guard whose clock and load the test sets. */
function createRig({ maxPauseMs = 60_000 } = {}) {
  const clock = { now: 0 };
  const told: string[] = [];
  let load = CALM;
  const guard = new OverloadGuard({
    readLoad: () => load,
    now: () => clock.now,
    observer: {
      overloadEntered: (step, { memory }) => void told.push(`entered ${step} ${memory}`),
      overloadLeft: (step, { memory }) => void told.push(`left ${step} ${memory}`),
    },
    maxPauseMs,
  });
  return {
    guard,
    told,
    /** Lets so many seconds pass under a load that asks for this step. */
    pass: (step: OverloadStep, seconds: number): void => {
      load = LOADS[step];
      for (const end = clock.now + seconds * 1_000; clock.now < end; clock.now += 250) guard.look();
    },
  };
}

test("a step is reported when it is entered and when it is left, and so are those between", () => {
  const { guard, told, pass } = createRig();
  pass("refuse", 1);
  expect(told).toEqual(["entered stretch 0.9", "entered pause 0.9", "entered refuse 0.9"]);
  pass("calm", 60);
  expect(told.slice(3)).toEqual(["left refuse 0.1", "left pause 0.1", "left stretch 0.1"]);
  expect(guard.step).toBe("calm");
});

test("bursts are written less often from the first step on", () => {
  const { guard, pass } = createRig();
  expect(guard.leastFlushMs).toBe(0);
  pass("stretch", 1);
  expect(guard.leastFlushMs).toBe(100);
});

test("new streams are refused from the third step on, and idle ones ended with the last", () => {
  const { guard, pass } = createRig();
  pass("pause", 1);
  expect(guard.isRefusing).toBe(false);
  pass("refuse", 1);
  expect(guard.isRefusing).toBe(true);
  expect(guard.isShedding).toBe(false);
  pass("shed", 1);
  expect(guard.isShedding).toBe(true);
});

const OWNER = { tenant: "acme", subject: "alice", isFinding: true };

test("reads of history wait until the edge is calm again", async () => {
  const { guard, pass } = createRig();
  const read: string[] = [];
  const limit = guard.pausing((_, begin) => begin(() => {}));
  const fetch = (name: string) => limit(OWNER, async () => void read.push(name));
  await fetch("calm");
  pass("pause", 1);
  const waiting = [fetch("paused"), fetch("paused, too")];
  await new Promise((resolve) => setImmediate(resolve));
  expect(read).toEqual(["calm"]);
  pass("stretch", 6);
  await Promise.all(waiting);
  expect(read).toEqual(["calm", "paused", "paused, too"]);
});

test("an edge that does not become calm still reads history, now and then", async () => {
  const { guard, pass } = createRig({ maxPauseMs: 1 });
  pass("pause", 1);
  await expect(guard.pausing((_, begin) => begin(() => {}))(OWNER, async () => "read")).resolves.toBe("read");
});
