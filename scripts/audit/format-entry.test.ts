import { expect, test } from "vitest";
import { lineOf, parseSince } from "./format-entry.ts";

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

test("an entry is one line: when, what, who, and the rest with its names", () => {
  const entry = { at: "2027-01-15T08:00:00.000Z", tenant: "demo", event: "login", subject: "alice", sid: "S1" };
  const line = "2027-01-15T08:00:00.000Z  login            alice  sid=S1";
  expect(lineOf(entry)).toBe(line);
  expect(lineOf({ ...entry, device: "a b" })).toBe(`${line}  device="a b"`);
  const change = { at: "now", tenant: "demo", event: "policy_changed", by: "operator", before: 1, after: 2 };
  expect(lineOf(change)).toBe("now  policy_changed   -  by=operator  before=1  after=2");
});

test("what a client wrote can neither break the line nor steer the terminal", () => {
  const entry = { at: "now", tenant: "demo", event: "login", device: "x\n\u001b[2J\u202e\u0085" };
  expect(lineOf(entry)).not.toMatch(/[\p{C}]/u);
});
