import { expect, test } from "vitest";
import { RetryDelays } from "./retry-delay.ts";

test.each([
  [0, 3_000],
  [0.5, 16_500],
  [1, 30_000],
])("under a pressure of %d an accepted client waits 1 to %d ms, each another time", (pressure, mostMs) => {
  const retryDelays = new RetryDelays({ now: () => 0 });
  const delays = Array.from({ length: 2_000 }, () => retryDelays.forAccepted(pressure));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...delays)).toBeLessThan(mostMs);
  expect(Math.max(...delays)).toBeGreaterThan(mostMs * 0.9);
  expect(new Set(delays).size).toBeGreaterThan(100);
});

test("a client that is refused alone waits 1 to 3 s, also behind others that were refused long ago", () => {
  let now = 0;
  const retryDelays = new RetryDelays({ now: () => now });
  for (let turn = 0; turn < 200; turn += 1) {
    const delay = retryDelays.forRefused("", "places");
    expect(delay).toBeGreaterThanOrEqual(1_000);
    expect(delay).toBeLessThan(3_000);
    now += 1_000;
  }
});

test.each([
  [1_000, "none", 5],
  [200, "places", 25],
  [100, "time", 50],
] as const)(
  "a crowd of 5 000 comes back %d a second where the edge is short of %s, spread over the time that this takes",
  (perSecond, shortage, seconds) => {
    const retryDelays = new RetryDelays({ now: () => 0 });
    const returns = new Map<number, number>();
    for (let client = 0; client < 5_000; client += 1) {
      const second = Math.floor(retryDelays.forRefused("", shortage) / 1_000);
      returns.set(second, (returns.get(second) ?? 0) + 1);
    }
    expect(Math.max(...returns.keys())).toBeLessThan(seconds + 3);
    expect(Math.min(...returns.keys())).toBe(1);
    // Of a second's turns some come up to 2 s later, and some of the seconds before come in it.
    expect(Math.max(...returns.values())).toBeLessThan(perSecond * 1.5);
  },
);

test("nobody waits longer than a minute, and those without a turn take none from who comes later", () => {
  let now = 0;
  const retryDelays = new RetryDelays({ now: () => now });
  const delays = Array.from({ length: 30_000 }, () => retryDelays.forRefused("", "places"));
  expect(Math.max(...delays)).toBeLessThan(60_000);
  expect(delays.slice(-10_000).every((delay) => delay >= 30_000)).toBe(true);
  expect(Math.max(...delays.slice(-10_000)) - Math.min(...delays.slice(-10_000))).toBeGreaterThan(25_000);
  now = 57_000;
  expect(retryDelays.forRefused("", "places")).toBeLessThan(3_100);
});

test("a crowd that is refused again and again stays spread, and its members take turns", () => {
  let now = 0;
  const retryDelays = new RetryDelays({ now: () => now });
  const dueAt = Array.from({ length: 1_000 }, () => 0);
  const tries = Array.from({ length: 1_000 }, () => 0);
  for (; now < 60_000; now += 10) {
    for (const [client, due] of dueAt.entries()) {
      if (due > now) continue;
      dueAt[client] = now + retryDelays.forRefused("", "places");
      tries[client] = (tries[client] ?? 0) + 1;
    }
  }
  // 200 a second for a minute, shared by a thousand.
  expect(Math.max(...tries)).toBeLessThanOrEqual(14);
  expect(Math.min(...tries)).toBeGreaterThanOrEqual(8);
});

test("one tenant's crowd does not make another tenant's client wait", () => {
  const retryDelays = new RetryDelays({ now: () => 0 });
  for (let client = 0; client < 20_000; client += 1) retryDelays.forRefused("acme", "places");
  expect(retryDelays.forRefused("acme", "places")).toBeGreaterThanOrEqual(30_000);
  expect(retryDelays.forRefused("umbrella", "places")).toBeLessThan(3_000);
  expect(retryDelays.forRefused("", "places")).toBeLessThan(3_000);
});
