import { expect, test } from "vitest";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { observeClients } from "./client-reports.ts";

test("the first 20 regions that clients name have series of their own, and all others one", async () => {
  const registry = createMetricsRegistry();
  const report = observeClients(registry);
  const names = Array.from({ length: 22 }, (_, index) => `r${index}`);
  for (const region of [...names, "r0"])
    report({ transport: "sse", family: "other", reconnects: 0, stalls: 0, region });
  const counted = [...(await registry.metrics()).matchAll(/region_reports_total\{region="([^"]+)"\} (\d)/g)];
  expect(counted).toHaveLength(21);
  expect(counted.filter(([, , count]) => count === "2").map(([, region]) => region)).toEqual(["r0", "other"]);
});
