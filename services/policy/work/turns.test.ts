import { expect, it } from "vitest";
import { mapInTurns, partsOf, runInTurns, runNow, type Steps } from "./turns.ts";

/** Takes `ms` in each of its steps. */
function* slow(steps: number, ms: number, done: number[] = []): Steps<number> {
  for (let step = 0; step < steps; step += 1) {
    const end = performance.now() + ms;
    while (performance.now() < end);
    done.push(step);
    yield;
  }
  return done.length;
}

it("long work lets others have their turn in between", async () => {
  const done: number[] = [];
  const seen: number[] = [];
  const watching = setInterval(() => seen.push(done.length), 0);
  expect(await runInTurns(slow(12, 4, done))).toBe(12);
  clearInterval(watching);
  expect(seen.some((count) => count > 0 && count < 12)).toBe(true);
});

it("short work is one turn", async () => {
  let turns = 0;
  setImmediate(() => (turns += 1));
  const running = runInTurns(slow(3, 0));
  expect(await running).toBe(3);
  expect(turns).toBe(0);
});

it("where nobody waits all is done at once", () => {
  expect(runNow(slow(3, 0))).toBe(3);
});

it("a list keeps its order, and its parts are all of it", async () => {
  const items = Array.from({ length: 2_500 }, (_, index) => index);
  expect(await mapInTurns(items, (item) => item * 2)).toEqual(items.map((item) => item * 2));
  expect([...partsOf(items, 1_000)].map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  expect([...partsOf(items, 1_000)].flat()).toEqual(items);
  await expect(mapInTurns([1], () => JSON.parse("{") as unknown)).rejects.toThrow(SyntaxError);
});
