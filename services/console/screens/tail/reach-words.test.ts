import { expect, test } from "vitest";
import type { EventReach } from "#shared/contract/tail-frame.ts";
import { isWarning } from "./reach-words.ts";

test.each([
  ["no_rule", true],
  ["denied", true],
  ["no_topic", false],
  ["nobody_connected", false],
  ["behind", false],
  [null, false],
] as const)("an event that reached nobody by %s is a warning: %s", (reason, expected) => {
  const reach: EventReach = { id: "e", reached: 0, connected: 0, denied: 0, behind: 0, reason, partial: false };
  expect(isWarning(reach)).toBe(expected);
});
