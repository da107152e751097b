import { beforeEach, expect, test } from "vitest";
import { guardClock } from "./clock-guard.ts";

let wall: number;
let monotonic: number;
let jumps: number;
let check: () => void;

beforeEach(() => {
  [wall, monotonic, jumps] = [1_000_000, 50, 0];
  check = guardClock({ wall: () => wall, monotonic: () => monotonic }, () => (jumps += 1));
});

test("clocks that go on together are believed, however long", () => {
  wall += 86_400_000;
  monotonic += 86_400_000;
  check();
  expect(jumps).toBe(0);
});

test.each([2_000, -2_000])("clocks that parted by %d ms are believed", (by) => {
  wall += by;
  check();
  expect(jumps).toBe(0);
});

test.each([2_001, -2_001])("clocks that parted by %d ms are noticed, once", (by) => {
  wall += by;
  check();
  check();
  expect(jumps).toBe(1);
});

test("a machine that slept is noticed: only the wall clock went on", () => {
  wall += 3_600_000;
  monotonic += 10;
  check();
  expect(jumps).toBe(1);
});

test("clocks that drift apart bit by bit are noticed each time it is too much", () => {
  for (let step = 0; step < 5; step += 1) {
    wall += 1_000;
    check();
  }
  expect(jumps).toBe(1);
});

test("a guard that is asked from its own alarm answers without another alarm", () => {
  const nested = guardClock({ wall: () => wall, monotonic: () => monotonic }, () => {
    jumps += 1;
    nested();
  });
  wall += 10_000;
  nested();
  expect(jumps).toBe(1);
});
