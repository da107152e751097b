import { expect, test } from "vitest";
import { Rate } from "./rate.ts";
import { SharedCounts } from "./shared-counts.ts";

function createRate() {
  const clock = { now: 60_000 };
  const counts = new SharedCounts(1);
  const rate = new Rate(counts, { name: "r", windowMs: 60_000, wall: () => clock.now });
  return { clock, counts, rate };
}

test("a caller has its limit within a window, and one more waits for the next", () => {
  const { clock, rate } = createRate();
  expect([rate.take("alice", 2), rate.take("alice", 2)]).toEqual([undefined, undefined]);
  clock.now += 15_000;
  expect(rate.take("alice", 2)).toBe(45_000);
  expect(rate.take("bob", 2)).toBeUndefined();
  clock.now += 45_000;
  expect(rate.take("alice", 2)).toBeUndefined();
});

test("a window that is over leaves nothing in memory", () => {
  const { clock, counts, rate } = createRate();
  for (let index = 0; index < 100; index += 1) rate.take(`caller${index}`, 10);
  expect(counts.size).toBe(100);
  clock.now += 60_000;
  rate.take("alice", 10);
  expect(counts.size).toBe(1);
});

test("strangers make no more than 50 000 counts in a window, and those beyond are not told apart", () => {
  const { counts, rate } = createRate();
  for (let index = 0; index < 50_001; index += 1) rate.take(`caller${index}`, 1);
  expect(counts.size).toBe(50_000);
  expect(rate.take("caller0", 1)).toBe(60_000);
  expect(rate.take("caller50000", 1)).toBeUndefined();
});

test("only a caller that comes near its limit is told to the others", async () => {
  const { counts, rate } = createRate();
  const told: string[] = [];
  const exchange = () =>
    counts.exchange({
      async exchange(own) {
        told.push(...own.filter(({ count }) => count > 0).map(({ key }) => key));
        return { others: own.map(() => 0), workers: 1, isNew: false };
      },
    });
  await exchange();
  for (let index = 0; index < 4; index += 1) rate.take("quiet", 10);
  for (let index = 0; index < 5; index += 1) rate.take("loud", 10);
  await exchange();
  expect(told).toEqual(["r 1 loud"]);
});
