import { expect, test } from "vitest";
import { parseSince } from "./parse-since.ts";

test.each([
  ["90s", 90_000],
  ["30m", 1_800_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
])("%s back is %i ms", (text, ms) => {
  expect(parseSince(text)).toBe(ms);
});

test.each(["", "1", "h", "-1h", "1.5h", "1y", "9999999s", "1h "])("%j is no time back", (text) => {
  expect(() => parseSince(text)).toThrow("--since takes");
});
