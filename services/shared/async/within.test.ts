import { expect, test } from "vitest";
import { within } from "./within.ts";

test("waits for what settles, whether well or not, and for nothing longer than it is told", async () => {
  expect(await within(60_000, Promise.resolve())).toBe(true);
  expect(await within(60_000, Promise.reject(new Error("away")))).toBe(true);
  expect(await within(1, new Promise(() => {}))).toBe(false);
});
