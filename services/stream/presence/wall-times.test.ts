import { expect, test } from "vitest";
import { createWallTimes } from "./wall-times.ts";

test("a time is the same each time, though clocks are read a little apart, until the clock was set", () => {
  const clocks = { monotonic: 100, wall: 1_000_100 };
  const wallOf = createWallTimes({ now: () => clocks.monotonic, wall: () => clocks.wall });
  expect(wallOf(40)).toBe(1_000_040);
  clocks.wall += 999;
  expect(wallOf(40)).toBe(1_000_040);
  clocks.wall += 1;
  expect(wallOf(40)).toBe(1_001_040);
});
