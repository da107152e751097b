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

test("each round has every fault alone as often as it weighs", () => {
  const alone = take(3, 40).filter(({ faults }) => faults.length === 1);
  for (const begin of [0, 4, 8]) {
    const names = alone.slice(begin, begin + 4).map(({ faults: [{ name }] }) => name);
    expect(names.toSorted()).toEqual(["kill", "kill", "restore", "stop"]);
  }
});

test("from the beginning on, two at once come between them, which hit different things; what comes alone is never one of them", () => {
  const pairs = take(3, 40).flatMap(({ faults }) => (faults.length === 2 ? [faults] : []));
  expect(pairs.length).toBeGreaterThan(4);
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
