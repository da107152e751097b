import { expect, test } from "vitest";
import { chooseRetryDelay } from "./retry-delay.ts";

test.each([
  [0, 3_000],
  [0.5, 16_500],
  [1, 30_000],
])("under a pressure of %d a client waits 1 to %d ms, each another time", (pressure, mostMs) => {
  const delays = Array.from({ length: 2_000 }, () => chooseRetryDelay(pressure));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...delays)).toBeLessThan(mostMs);
  expect(Math.max(...delays)).toBeGreaterThan(mostMs * 0.9);
  expect(new Set(delays).size).toBeGreaterThan(100);
});
