import { expect, test } from "vitest";
import type { Fault } from "./fault.ts";
import { planSteps, type Step } from "./schedule.ts";

const FAULTS: readonly Fault[] = [fault("kill", 2, "edge"), fault("stop", 1, "auth"), fault("restore", 1, undefined)];

test("the same seed gives the same faults, choices and pauses; another one others", () => {
  expect(take(7, 40).map(describe)).toEqual(take(7, 40).map(describe));
  expect(take(7, 40).map(describe)).not.toEqual(take(8, 40).map(describe));
});

test("what one step chooses changes nothing for the next", () => {
  const greedy = planSteps(7, FAULTS);
  const steps = Array.from({ length: 40 }, () => {
    const step = greedy.next().value;
    const described = describe(step);
    for (let n = 0; n < 5; n += 1) step.random();
    return described;
  });
  expect(steps).toEqual(take(7, 40).map(describe));
});

test("the first round has every fault as often as it weighs, alone", () => {
  const round = take(3, 4);
  expect(round.map(({ faults }) => faults.length)).toEqual([1, 1, 1, 1]);
  expect(round.map(({ faults: [{ name }] }) => name).toSorted()).toEqual(["kill", "kill", "restore", "stop"]);
});

test("later rounds have some at once, which hit different things, and none with what comes alone", () => {
  const pairs = take(3, 400).flatMap(({ faults }) => (faults.length === 2 ? [faults] : []));
  expect(pairs.length).toBeGreaterThan(40);
  for (const [first, second] of pairs) expect([first.name, second.name].toSorted()).toEqual(["kill", "stop"]);
});

function take(seed: number, count: number): Step[] {
  const steps = planSteps(seed, FAULTS);
  return Array.from({ length: count }, () => steps.next().value);
}

function describe({ faults, random, quietMs }: Step): string {
  return `${faults.map(({ name }) => name).join(" + ")} ${random()} ${quietMs}`;
}

function fault(name: string, weight: number, hits: Fault["hits"]): Fault {
  return {
    name,
    weight,
    hits,
    recoversWithinMs: 1_000,
    begin: () => Promise.reject(new Error("no test begins it")),
  };
}
