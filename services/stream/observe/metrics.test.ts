import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createAdmission } from "#test/rigs/admission.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { createStreamMetrics } from "./metrics.ts";

test("event types without a rule are counted by name up to 100 of them, and the rest together", async () => {
  const registry = createMetricsRegistry();
  const metrics = createStreamMetrics(registry, createAdmission(1), new SharedCounts(1));
  for (let type = 0; type < 102; type += 1) metrics.withoutRule(`made.up${type}`, "acme");
  for (const type of ["made.up0", "made.up101"]) metrics.withoutRule(type, "acme");
  const text = await registry.metrics();
  const counted = [...text.matchAll(/^sluice_stream_events_without_rule_total\{type="([^"]+)"\} (\d+)/gm)];
  expect(counted).toHaveLength(101);
  expect(counted.filter(([, , count]) => count !== "1").map(([, type, count]) => [type, count])).toEqual([
    ["made.up0", "2"],
    ["other", "3"],
  ]);
});

test("decisions are counted when policy answers them, and each time they decide an event", async () => {
  const registry = createMetricsRegistry();
  const metrics = createStreamMetrics(registry, createAdmission(1), new SharedCounts(1));
  metrics.decisionAsked();
  for (const verdict of ["allowed", "allowed", "denied"] as const) metrics.decided(verdict);
  const text = await registry.metrics();
  expect(text).toContain('sluice_stream_decisions_total{outcome="allow"} 2\n');
  expect(text).toContain('sluice_stream_decisions_total{outcome="deny"} 1\n');
  expect(text).toContain("sluice_stream_decisions_asked_total 1\n");
  expect(await registry.metrics()).toContain('sluice_stream_decisions_total{outcome="allow"} 2\n');
});

test("the time that a change of policy took is counted, and is never less than nothing", async () => {
  const registry = createMetricsRegistry();
  const metrics = createStreamMetrics(registry, createAdmission(1), new SharedCounts(1));
  for (const ms of [12, -3]) metrics.policyApplied(ms);
  const text = await registry.metrics();
  expect(text).toContain('sluice_stream_policy_propagation_seconds_bucket{le="0.001"} 1\n');
  expect(text).toContain('sluice_stream_policy_propagation_seconds_bucket{le="0.025"} 2\n');
  expect(text).toContain("sluice_stream_policy_propagation_seconds_sum 0.012\n");
});
