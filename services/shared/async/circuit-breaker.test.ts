import { beforeEach, expect, test } from "vitest";
import { type CallOutcome, CircuitBreaker } from "./circuit-breaker.ts";

let now: number;
let breaker: CircuitBreaker;
let calls: number;
let switched: boolean[];

beforeEach(() => {
  [now, calls, switched] = [0, 0, []];
  breaker = new CircuitBreaker(
    () => now,
    (isOpen) => void switched.push(isOpen),
  );
});

/** Makes a call that ends so. */
async function call(outcome: CallOutcome | "succeeds"): Promise<string> {
  const made = breaker.run(
    async () => {
      calls += 1;
      if (outcome !== "succeeds") throw new Error(outcome);
      return "answer";
    },
    () => outcome as CallOutcome,
  );
  return made.catch((error: Error) => error.message);
}

async function callTimes(times: number, outcome: CallOutcome | "succeeds"): Promise<void> {
  for (let each = 0; each < times; each += 1) await call(outcome);
}

test("four calls without an answer change nothing, and after a fifth none is made", async () => {
  await callTimes(4, "unanswered");
  expect(breaker.isOpen).toBe(false);
  await callTimes(1, "unanswered");
  expect(breaker.isOpen).toBe(true);
  await callTimes(100, "unanswered");
  expect(calls).toBe(5);
  await expect(call("succeeds")).resolves.toMatch("does not answer right now");
});

test("an answer in between, also one that refuses, begins the count anew; a call that was given up does not", async () => {
  for (let round = 0; round < 3; round += 1) {
    await callTimes(4, "unanswered");
    await call("answered");
  }
  expect(breaker.isOpen).toBe(false);
  await callTimes(4, "unanswered");
  await call("given up");
  await call("unanswered");
  expect(breaker.isOpen).toBe(true);
});

test("after a rest one probe is made at a time; the first that is answered lets all through", async () => {
  await callTimes(5, "unanswered");
  now += 250;
  const gate = Promise.withResolvers<string>();
  const probe = breaker.run(
    () => gate.promise,
    () => "unanswered",
  );
  await callTimes(10, "succeeds");
  expect(calls).toBe(5);
  gate.resolve("back");
  await expect(probe).resolves.toBe("back");
  await callTimes(10, "succeeds");
  expect(calls).toBe(15);
});

test("rests grow to between half a second and a second, and no further: ten minutes of silence cost at most 1 250 calls", async () => {
  await callTimes(5, "unanswered");
  for (; now < 600_000; now += 50) await call("unanswered");
  expect(calls).toBeGreaterThan(600);
  expect(calls).toBeLessThan(1_250);
});

test("it tells once when it keeps calls away, and once when it does no more", async () => {
  await callTimes(20, "unanswered");
  expect(switched).toEqual([true]);
  for (now += 250; now < 10_000; now += 500) await call("unanswered");
  expect(switched).toEqual([true]);
  now += 1_000;
  await callTimes(20, "succeeds");
  expect(switched).toEqual([true, false]);
});

test("a probe that is given up finds out nothing: the next call is one", async () => {
  await callTimes(5, "unanswered");
  now += 250;
  await call("given up");
  await expect(call("succeeds")).resolves.toBe("answer");
  expect(breaker.isOpen).toBe(false);
});

test("a late answer to an earlier call lets all through, and a late failure keeps nobody away longer", async () => {
  const late = Promise.withResolvers<string>();
  const failing = Promise.withResolvers<string>();
  const [first, second] = [late, failing].map(({ promise }) =>
    breaker.run(
      () => promise,
      () => "unanswered",
    ),
  );
  await callTimes(5, "unanswered");
  expect(breaker.isOpen).toBe(true);
  failing.reject(new Error("late"));
  await second?.catch(() => undefined);
  late.resolve("late");
  await first;
  expect(breaker.isOpen).toBe(false);
});
