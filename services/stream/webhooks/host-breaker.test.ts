import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HostBreaker } from "./host-breaker.ts";

let switches: boolean[];
let breaker: HostBreaker;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  switches = [];
  breaker = new HostBreaker(Date.now, (isOpen) => void switches.push(isOpen));
});
afterEach(() => void vi.useRealTimers());

function fail(times: number): void {
  for (let time = 0; time < times; time += 1) {
    expect(breaker.admit()).toBe(true);
    breaker.note("away");
  }
}

describe("a host", () => {
  test("is left alone after five failures in a row, and not after four", () => {
    fail(4);
    breaker.admit();
    breaker.note("takes");
    fail(4);
    expect(switches).toEqual([]);
    fail(1);
    expect(switches).toEqual([true]);
    expect(breaker.admit()).toBe(false);
  });

  test("is tried by one message after its rest; what that finds out counts for all who wait", async () => {
    fail(5);
    const waiting = [breaker.mayTry(), breaker.mayTry()];
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(waiting);
    expect(breaker.admit()).toBe(true);
    expect(breaker.admit()).toBe(false);
    const others = breaker.mayTry();
    breaker.note("takes");
    await others;
    expect(breaker.admit()).toBe(true);
    expect(switches).toEqual([true, false]);
  });

  test("rests twice as long with each try that fails, and no longer than a minute", async () => {
    fail(5);
    for (const longest of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const before = Date.now();
      const waiting = breaker.mayTry();
      await vi.advanceTimersByTimeAsync(longest);
      await waiting;
      expect(Date.now() - before).toBeLessThanOrEqual(longest);
      vi.setSystemTime(before + longest);
      fail(1);
    }
  });

  test("is as before when a message has found out nothing", async () => {
    fail(5);
    vi.setSystemTime(1_000);
    expect(breaker.admit()).toBe(true);
    breaker.note("nothing");
    expect(breaker.admit()).toBe(true);
  });
});
