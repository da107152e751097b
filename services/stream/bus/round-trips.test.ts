import { expect, test } from "vitest";
import { RoundTrips } from "./round-trips.ts";

test("a broker that stood still once is not taken for a slow link", () => {
  const roundTrips = new RoundTrips(1);
  expect([roundTrips.add(12_000), roundTrips.usual]).toEqual([true, 1]);
  expect([roundTrips.add(1), roundTrips.usual]).toEqual([false, 1]);
  expect([roundTrips.add(12_000), roundTrips.usual]).toEqual([true, 12_000]);
  for (let quick = 0; quick < 2; quick += 1) roundTrips.add(1);
  expect(roundTrips.usual).toBe(1);
});

test("a link that becomes slow counts as slow from the second round trip on, and as quick again as soon", () => {
  const roundTrips = new RoundTrips(1);
  expect(roundTrips.add(8_000)).toBe(true);
  expect(roundTrips.add(8_100)).toBe(true);
  expect(roundTrips.usual).toBe(8_000);
  expect(roundTrips.add(8_200)).toBe(false);
  roundTrips.add(2);
  roundTrips.add(2);
  expect(roundTrips.usual).toBe(2);
});

test("of a new connection its own round trip counts alone", () => {
  const roundTrips = new RoundTrips(12_000);
  roundTrips.startOver(3);
  expect(roundTrips.usual).toBe(3);
  expect(roundTrips.add(5_000)).toBe(true);
  expect(roundTrips.usual).toBe(3);
});
