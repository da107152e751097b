import { beforeEach, expect, test } from "vitest";
import { ClockGuard } from "./clock-guard.ts";

let wall: number;
let monotonic: number;
let jumps: number;
let guard: ClockGuard;

beforeEach(() => {
  [wall, monotonic, jumps] = [1_000_000, 50, 0];
  guard = new ClockGuard({ wall: () => wall, monotonic: () => monotonic }, () => (jumps += 1));
});

test("the time is the monotonic one", () => {
  monotonic = 70;
  expect(guard.now()).toBe(70);
});

test("clocks that go on together are believed, however long", () => {
  wall += 86_400_000;
  monotonic += 86_400_000;
  guard.now();
  expect(jumps).toBe(0);
});

test.each([2_000, -2_000])("clocks that parted by %d ms are believed", (by) => {
  wall += by;
  guard.now();
  expect(jumps).toBe(0);
});

test.each([2_001, -2_001])("clocks that parted by %d ms are noticed, once", (by) => {
  wall += by;
  guard.now();
  guard.now();
  expect(jumps).toBe(1);
});

test("a machine that slept is noticed: only the wall clock went on", () => {
  wall += 3_600_000;
  monotonic += 10;
  expect(guard.now()).toBe(monotonic);
  expect(jumps).toBe(1);
});

test("clocks that drift apart bit by bit are noticed each time it is too much", () => {
  for (let step = 0; step < 5; step += 1) {
    wall += 1_000;
    guard.now();
  }
  expect(jumps).toBe(1);
});

test("the clocks are looked at before the time is given: what it is for waits for the answer", () => {
  const order: string[] = [];
  const clock = { wall: () => wall, monotonic: () => monotonic };
  const strict = new ClockGuard(clock, () => order.push("jump"));
  wall += 10_000;
  strict.now();
  order.push("time");
  expect(order).toEqual(["jump", "time"]);
});

test("a guard that is asked from its own alarm answers without another alarm", () => {
  const nested: ClockGuard = new ClockGuard({ wall: () => wall, monotonic: () => monotonic }, () => {
    jumps += 1;
    nested.now();
  });
  wall += 10_000;
  nested.now();
  expect(jumps).toBe(1);
});
