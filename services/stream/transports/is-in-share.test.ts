import { expect, test } from "vitest";
import { isInShare } from "./is-in-share.ts";

const NAMES = Array.from({ length: 2_000 }, (_, index) => `client-${index}`);
const namesIn = (percent: number): string[] => NAMES.filter((name) => isInShare(name, percent));

test("a share of names is about that large, none at 0 and all at 100", () => {
  expect([namesIn(0).length, namesIn(100).length]).toEqual([0, NAMES.length]);
  for (const percent of [1, 5, 50, 99]) {
    const expected = (NAMES.length * percent) / 100;
    expect(Math.abs(namesIn(percent).length - expected)).toBeLessThan(0.04 * NAMES.length);
  }
});

test("whoever is in a share is in each larger one", () => {
  const larger = new Set(namesIn(30));
  expect(namesIn(10).every((name) => larger.has(name))).toBe(true);
});
