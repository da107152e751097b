import { expect, test } from "vitest";
import { AuthTime } from "./auth-time.ts";

function createTime(wall = 600_000) {
  const clock = {
    now: 1_000,
    aheadMs: wall - 1_000,
    monotonic: () => clock.now,
    wall: () => clock.now + clock.aheadMs,
  };
  const time = new AuthTime(clock);
  /** Auth answers `serverTimeMs` to a question that was on its way for `tripMs`. */
  const answer = (serverTimeMs: number, tripMs: number): void => {
    const askedAt = clock.now;
    clock.now += tripMs;
    time.learn(serverTimeMs, askedAt);
  };
  return { clock, time, answer };
}

test("before any answer the time is this machine's, and is not known to be auth's", () => {
  const { time } = createTime(600_000);
  expect(time.isKnown).toBe(false);
  expect(time.now()).toBe(600_000);
});

test("an answer tells auth's time, and half its round trip is taken as the way back", () => {
  const { time, answer, clock } = createTime();
  answer(5_000_000, 20);
  expect(time.isKnown).toBe(true);
  expect(time.now()).toBe(5_000_010);
  clock.now += 1_000;
  expect(time.now()).toBe(5_001_010);
});

test("an answer with a longer round trip does not replace a better one, and a better one does", () => {
  const { time, answer } = createTime();
  answer(5_000_000, 20);
  answer(5_000_030, 3_000);
  expect(time.now()).toBe(5_003_010);
  answer(5_003_015, 2);
  expect(time.now()).toBe(5_003_016);
});

test("an old answer gives way to a younger one that is nearly as good", () => {
  const { time, answer, clock } = createTime();
  answer(5_000_000, 20);
  clock.now += 60_000;
  answer(5_060_050, 40);
  expect(time.now()).toBe(5_060_070);
});

test("a clock of auth that was set counts at once, however long the answer took", () => {
  const { time, answer } = createTime();
  answer(5_000_000, 20);
  answer(9_000_000, 500);
  expect(time.now()).toBe(9_000_250);
});

test.each([
  ["the machine slept", 3_600_000],
  ["its clock was set back", -3_600_000],
  ["its clock was set by little", 2_001],
])("after %s the time is not known until auth answers again, however long that takes", (_what, by) => {
  const { time, answer, clock } = createTime(600_000);
  answer(5_000_000, 20);
  clock.aheadMs += by;
  expect(time.isKnown).toBe(false);
  expect(time.now()).toBe(600_020 + by);
  answer(9_000_000, 500);
  expect([time.isKnown, time.now()]).toEqual([true, 9_000_250]);
});

test("a wall clock that is put right by two seconds changes nothing", () => {
  const { time, answer, clock } = createTime(600_000);
  answer(5_000_000, 20);
  clock.aheadMs += 2_000;
  expect([time.isKnown, time.now()]).toEqual([true, 5_000_010]);
});
