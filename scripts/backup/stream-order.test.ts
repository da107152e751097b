import { expect, test } from "vitest";
import { backupOrder } from "./stream-order.ts";

test("what refers to logs is saved before them, what they announce behind them", () => {
  const names = ["AUDIT", "EVENTS_b", "KV_sluice_policy", "EVENTS_a", "KV_sluice_subs", "KV_sluice_revoked"];
  expect(backupOrder(names)).toEqual([
    "KV_sluice_subs",
    "EVENTS_a",
    "EVENTS_b",
    "AUDIT",
    "KV_sluice_policy",
    "KV_sluice_revoked",
  ]);
});
