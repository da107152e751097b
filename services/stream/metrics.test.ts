import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { Admission } from "./admission/admission.ts";
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
