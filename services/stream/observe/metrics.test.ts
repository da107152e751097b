import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { Admission } from "../admission/admission.ts";
import { createResidual } from "../access/residual.ts";
import { createStreamMetrics } from "./metrics.ts";

test("event types without a rule are counted by name up to 100 of them, and the rest together", async () => {
  const registry = createMetricsRegistry();
  const metrics = createStreamMetrics(registry, new Admission(1));
  for (let type = 0; type < 102; type += 1) metrics.eventWithoutRule(`made.up${type}`);
  for (const type of ["made.up0", "made.up101"]) metrics.eventWithoutRule(type);
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
  const metrics = createStreamMetrics(registry, new Admission(1));
  const rules = { allow: ["order.>"], deny: ["order.hidden"], allowWhen: [], denyWhen: [] };
  const residual = metrics.countDecisions(createResidual(rules));
  const decided = ["order.created", "order.created", "order.hidden"].map((topic) =>
    residual.allows({ topic, attributes: {} }),
  );
  expect([decided, residual.allowsUnder("order.*")]).toEqual([[true, true, false], true]);
  const text = await registry.metrics();
  expect(text).toContain('sluice_stream_decisions_total{outcome="allow"} 2\n');
  expect(text).toContain('sluice_stream_decisions_total{outcome="deny"} 1\n');
  expect(text).toContain("sluice_stream_decisions_asked_total 1\n");
  expect(await registry.metrics()).toContain('sluice_stream_decisions_total{outcome="allow"} 2\n');
});

test("the time that a change of policy took is counted, and is never less than nothing", async () => {
  const registry = createMetricsRegistry();
  const metrics = createStreamMetrics(registry, new Admission(1));
  for (const ms of [12, -3]) metrics.policyApplied(ms);
  const text = await registry.metrics();
  expect(text).toContain('sluice_stream_policy_propagation_seconds_bucket{le="0.001"} 1\n');
  expect(text).toContain('sluice_stream_policy_propagation_seconds_bucket{le="0.025"} 2\n');
  expect(text).toContain("sluice_stream_policy_propagation_seconds_sum 0.012\n");
});
