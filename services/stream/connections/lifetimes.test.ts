import { describe, expect, test } from "vitest";
import { isIdle, lifeOver, mayBeShed } from "./lifetimes.ts";

const LIFETIMES = { idleMs: 1_000, idleEndMs: 3_000, maxAgeMs: 10_000 };
const NEVER = { idleMs: Infinity, idleEndMs: Infinity, maxAgeMs: Infinity };

/** A stream that was opened at 0. */
const stream = (lastActiveAt: number) => ({ openedAt: 0, lastActiveAt });

test("a stream is idle once it has had no event for so long", () => {
  expect([999, 1_000].map((now) => isIdle(stream(0), now, LIFETIMES))).toEqual([false, true]);
  expect(isIdle(stream(500), 1_499, LIFETIMES)).toBe(false);
});

describe("a stream's life", () => {
  test.each([
    [0, 2_700],
    [0.5, 3_000],
    [1, 3_300],
  ])("with a spread of %d is over after %d ms without an event", (spread, ms) => {
    expect(lifeOver(stream(100), 100 + ms - 1, spread, LIFETIMES)).toBeUndefined();
    expect(lifeOver(stream(100), 101 + ms, spread, LIFETIMES)).toBe("idle");
  });

  test.each([
    [0, 9_000],
    [0.5, 10_000],
    [1, 11_000],
  ])("with a spread of %d is over at the age of %d ms, whatever it does", (spread, ms) => {
    expect(lifeOver(stream(ms - 1), ms - 1, spread, LIFETIMES)).toBeUndefined();
    expect(lifeOver(stream(ms + 1), ms + 1, spread, LIFETIMES)).toBe("max_age");
  });

  test("without limits is never over, and the stream never idle", () => {
    expect(lifeOver(stream(0), 1e15, 0, NEVER)).toBeUndefined();
    expect(isIdle(stream(0), 1e15, NEVER)).toBe(false);
  });
});

test("an overloaded edge ends no stream that had an event within a minute", () => {
  expect([59_999, 60_000].map((now) => mayBeShed(stream(0), now))).toEqual([false, true]);
});
