import { describe, expect, test } from "vitest";
import { advance, CALM, isAtLeast, type Load, OVERLOAD_STEPS, type OverloadStep, stepFor } from "./overload-steps.ts";

const IDLE: Load = { loopDelayMs: 0, memory: 0.3, descriptors: 0.1 };

describe("a load", () => {
  test.each<[Partial<Load>, OverloadStep]>([
    [{}, "calm"],
    [{ loopDelayMs: 99 }, "calm"],
    [{ loopDelayMs: 100 }, "stretch"],
    [{ loopDelayMs: 249 }, "stretch"],
    [{ loopDelayMs: 250 }, "pause"],
    [{ loopDelayMs: 499 }, "pause"],
    [{ loopDelayMs: 500 }, "refuse"],
    [{ loopDelayMs: 2_000 }, "shed"],
    [{ memory: 0.74 }, "calm"],
    [{ memory: 0.75 }, "stretch"],
    [{ memory: 0.8 }, "pause"],
    [{ memory: 0.88 }, "refuse"],
    [{ memory: 0.94 }, "shed"],
    [{ descriptors: 0.959 }, "calm"],
    [{ descriptors: 0.96 }, "stretch"],
    [{ descriptors: 0.97 }, "pause"],
    [{ descriptors: 0.98 }, "refuse"],
    [{ descriptors: 0.99 }, "shed"],
    [{ loopDelayMs: 250, memory: 0.88, descriptors: 0.96 }, "refuse"],
  ])("of %o asks for %s", (load, step) => {
    expect(stepFor({ ...IDLE, ...load })).toBe(step);
  });
});

/** The steps that an edge goes through while each of these is asked for as long as stands beside it, looked at four times a second. */
function stepsOf(...asked: readonly (readonly [OverloadStep, ms: number])[]): OverloadStep[] {
  let [state, now] = [CALM, 0];
  const steps: OverloadStep[] = [state.step];
  for (const [step, ms] of asked) {
    for (const end = now + ms; now < end; now += 250) {
      state = advance(state, step, now);
      if (state.step !== steps.at(-1)) steps.push(state.step);
    }
  }
  return steps;
}

describe("an edge", () => {
  test("enters a step that is asked for at three looks in a row, and at two it does not", () => {
    expect(stepsOf(["refuse", 500], ["calm", 250], ["refuse", 500], ["calm", 250])).toEqual(["calm"]);
    expect(stepsOf(["refuse", 750])).toEqual(["calm", "refuse"]);
  });

  test("goes as far as all the looks ask for", () => {
    expect(stepsOf(["shed", 250], ["stretch", 250], ["shed", 250])).toEqual(["calm", "stretch"]);
    expect(stepsOf(["stretch", 750], ["pause", 750], ["refuse", 750], ["shed", 750])).toEqual([...OVERLOAD_STEPS]);
  });

  test("leaves one step after the other, each after 5 s of calm", () => {
    expect(stepsOf(["shed", 750], ["calm", 5_000])).toEqual(["calm", "shed"]);
    expect(stepsOf(["shed", 750], ["calm", 5_250])).toEqual(["calm", "shed", "refuse"]);
    expect(stepsOf(["shed", 750], ["calm", 20_250])).toEqual(["calm", "shed", "refuse", "pause", "stretch", "calm"]);
  });

  test("stays where it is asked for again before the calm has lasted", () => {
    const almost = [["calm", 4_750] as const, ["refuse", 250] as const];
    expect(stepsOf(["refuse", 750], ...almost, ...almost, ["calm", 5_000])).toEqual(["calm", "refuse"]);
  });

  test("that is asked for less goes no further down than that", () => {
    expect(stepsOf(["shed", 750], ["pause", 60_000])).toEqual(["calm", "shed", "refuse", "pause"]);
  });

  test("goes up again at once while it comes down", () => {
    expect(stepsOf(["refuse", 750], ["calm", 5_250], ["shed", 750])).toEqual(["calm", "refuse", "pause", "shed"]);
  });
});

test("each step has gone as far as those before it", () => {
  expect(OVERLOAD_STEPS.map((reached) => OVERLOAD_STEPS.filter((step) => isAtLeast(reached, step)).length)).toEqual([
    1, 2, 3, 4, 5,
  ]);
});
