import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createPolicyMetrics } from "./metrics.ts";

test("snapshots have version and age by tenant, up to a bound; beyond it they are counted", async () => {
  const registry = createMetricsRegistry();
  let now = 0;
  const metrics = createPolicyMetrics(registry, { maxTenants: 2, now: () => now });
  metrics.snapshotLoaded("acme", 1);
  metrics.snapshotLoaded("rival", 4);
  metrics.snapshotLoaded("third", 1);
  now = 5_000;
  metrics.snapshotLoaded("acme", 2);
  now = 7_000;
  const text = await registry.metrics();
  expect(text.match(/^sluice_policy_(snapshot|reload).*$/gm)).toEqual([
    'sluice_policy_snapshot_version{tenant="acme"} 2',
    'sluice_policy_snapshot_version{tenant="rival"} 4',
    'sluice_policy_snapshot_age_seconds{tenant="acme"} 2',
    'sluice_policy_snapshot_age_seconds{tenant="rival"} 7',
    "sluice_policy_snapshots 3",
    "sluice_policy_reloads_total 4",
  ]);
});
