import { expect, test } from "vitest";
import { fitCosts } from "./fit.ts";

test("costs are found again in samples that they made", () => {
  const costs = [5_000, 120, 9, 0.1];
  const counts = [
    [6, 0, 0, 0],
    [6, 3_000, 0, 0],
    [6, 3_000, 3_000, 3_000],
    [6, 300, 300_000, 300_000],
    [6, 150, 150_000, 3_000_000],
  ];
  const samples = counts.map((row) => ({
    counts: row,
    cost: row.reduce((sum, count, thing) => sum + count * (costs[thing] ?? 0), 0),
  }));
  const found = fitCosts(samples);
  expect(found).toHaveLength(4);
  for (const [thing, cost] of costs.entries()) expect(found[thing]).toBeCloseTo(cost, 1);
});

test("a thing that seems to make others cheaper costs nothing, and the rest is fitted without it", () => {
  const samples = [
    { counts: [1, 0], cost: 10 },
    { counts: [1, 1], cost: 8 },
  ];
  const [first = 0, second] = fitCosts(samples);
  expect(second).toBe(0);
  expect(first).toBeGreaterThan(8);
  expect(first).toBeLessThan(10);
});

test("what never happened costs nothing", () => {
  expect(fitCosts([{ counts: [2, 0], cost: 6 }])).toEqual([3, 0]);
});
