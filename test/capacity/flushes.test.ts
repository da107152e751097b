import { describe, expect, test } from "vitest";
import { countFlushes, flushesPerSecond } from "./flushes.ts";
import { SLOPES } from "./round-slopes.ts";

/** What each event in a write costs. */
const DEAR = { ...SLOPES, edge: { ...SLOPES.edge, deliveryMicros: 1 } };

describe("an audience for which events come evenly", () => {
  test("is flushed for each event while these come more slowly than flushes may follow each other", () => {
    expect(flushesPerSecond(SLOPES, { members: 10, rate: 50 })).toBeCloseTo(50);
    expect(flushesPerSecond(SLOPES, { members: 10, rate: 0 })).toBe(0);
  });

  test("is flushed every 5 ms at most where a flush is short", () => {
    expect(flushesPerSecond(SLOPES, { members: 1, rate: 1_000 })).toBeCloseTo(200);
  });

  test("rests as long as a flush took, and 50 ms at most", () => {
    // 995 members: 10 ms of flush, 10 of rest; 9 995: 100 and 50.
    expect(flushesPerSecond(SLOPES, { members: 995, rate: 1_000 })).toBeCloseTo(50);
    expect(flushesPerSecond(SLOPES, { members: 9_995, rate: 1_000 })).toBeCloseTo(1_000 / 150);
  });

  test("gets events that come together in one write, which costs more for each of them", () => {
    expect(flushesPerSecond(DEAR, { members: 995, rate: 1_000 })).toBeLessThan(40);
  });
});

describe("an audience for which events come as they do", () => {
  const evenly = Array.from({ length: 1_000 }, (_, index) => index);
  const count = (members: number, times: readonly number[], { stretch = 1, slopes = SLOPES } = {}): number =>
    countFlushes(slopes, { members, times, stretch });

  test("is flushed as often as the even flow says where they come evenly", () => {
    for (const members of [1, 100, 995, 3_000]) {
      const perSecond = flushesPerSecond(SLOPES, { members, rate: 1_000 });
      expect(count(members, evenly) / perSecond).toBeGreaterThan(0.9);
      expect(count(members, evenly) / perSecond).toBeLessThan(1.1);
    }
  });

  test("is flushed twice for a crowd of them: for the first one, and for those that came during that flush and its rest", () => {
    expect(count(995, [0, 1, 2, 3, 19])).toBe(2);
    expect(count(995, [0, 1, 2, 3, 21])).toBe(3);
    expect(count(995, [0, 0, 0, 0])).toBe(1);
    expect(count(995, [])).toBe(0);
  });

  test("is flushed less often where its loop has to share a core", () => {
    expect(count(995, evenly)).toBe(51);
    expect(count(995, evenly, { stretch: 2 })).toBe(26);
  });

  test("rests longer after a flush with more events in it", () => {
    expect(count(995, evenly, { slopes: DEAR })).toBeLessThan(35);
  });
});
