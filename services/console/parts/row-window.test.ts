import { expect, test } from "vitest";
import { windowOf } from "./row-window.ts";

const sight = { height: 340, rowPx: 34, count: 100_000 };

test("of a long list only what is in sight is in the page, and a margin", () => {
  expect(windowOf({ ...sight, top: 0 })).toEqual({ first: 0, last: 26 });
  expect(windowOf({ ...sight, top: 34_000 })).toEqual({ first: 992, last: 1_018 });
});

test("at its end the last rows are there, also when the list has become shorter than where it was scrolled to", () => {
  expect(windowOf({ ...sight, top: 34 * 100_000 - 340 })).toEqual({ first: 99_982, last: 100_000 });
  expect(windowOf({ ...sight, count: 12, top: 34_000 })).toEqual({ first: 0, last: 12 });
});

test("a short list is there as a whole", () => {
  expect(windowOf({ ...sight, count: 3, top: 0 })).toEqual({ first: 0, last: 3 });
});
