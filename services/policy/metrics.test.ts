import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createPolicyMetrics } from "./metrics.ts";

test("snapshots have version and age by tenant, up to a bound; beyond it they are counted", async () => {
  const registry = createMetricsRegistry();
  let now = 0;
  const metrics = createPolicyMetrics(registry, { maxTenants: 2, now: () => now });
  metrics.snapshotSwapped("acme", 1);
  metrics.snapshotSwapped("rival", 4);
  metrics.snapshotSwapped("third", 1);
  now = 5_000;
  metrics.snapshotSwapped("acme", 2);
  now = 7_000;
  metrics.snapshotSwapped("third", undefined);
  metrics.snapshotSwapped("fourth", 1);
  expect(await registry.metrics()).not.toContain("fourth");
  metrics.snapshotSwapped("rival", undefined);
  const text = await registry.metrics();
  expect(text.match(/^sluice_policy_(snapshot|reload).*$/gm)).toEqual([
    'sluice_policy_snapshot_version{tenant="acme"} 2',
    'sluice_policy_snapshot_version{tenant="fourth"} 1',
    'sluice_policy_snapshot_age_seconds{tenant="acme"} 2',
    'sluice_policy_snapshot_age_seconds{tenant="fourth"} 0',
    "sluice_policy_snapshots 2",
    "sluice_policy_reloads_total 5",
  ]);
});
