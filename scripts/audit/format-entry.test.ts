import { expect, test } from "vitest";
import { formatEntry } from "./format-entry.ts";

test("an entry is one line: when, what, who, and the rest with its names", () => {
  const entry = { at: "2027-01-15T08:00:00.000Z", tenant: "demo", event: "login", subject: "alice", sid: "S1" };
  const line = "2027-01-15T08:00:00.000Z  login            alice  sid=S1";
  expect(formatEntry(entry)).toBe(line);
  expect(formatEntry({ ...entry, device: "a b" })).toBe(`${line}  device="a b"`);
  const change = { at: "now", tenant: "demo", event: "policy_changed", by: "operator", before: 1, after: 2 };
  expect(formatEntry(change)).toBe("now  policy_changed   -  by=operator  before=1  after=2");
});

test("what a client wrote can neither break the line nor steer the terminal", () => {
  const entry = { at: "now", tenant: "demo", event: "login", device: "x\n\u001b[2J\u202e\u0085" };
  expect(formatEntry(entry)).not.toMatch(/[\p{C}]/u);
});
