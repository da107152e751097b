import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import type { CountedMetric } from "./messages.ts";
import { MetricsSum } from "./metrics-sum.ts";

const [one, other] = [{}, {}];

test("what workers counted is added up, in the format a single process has", async () => {
  const sum = new MetricsSum();
  sum.update(one, await counted(2));
  sum.update(other, await counted(3));
  const alone = new Registry();
  alone.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  count(alone, 5, 2);
  expect(lines(await sum.text([]))).toEqual(lines(await alone.metrics()));
});

test("counters of a worker that is gone stay in the sum, its gauges do not", async () => {
  const sum = new MetricsSum();
  sum.update(one, await counted(2));
  await sum.keep(one);
  sum.update(other, await counted(3));
  await sum.keep(other);
  await sum.keep({});
  sum.update({}, await counted(1));
  const text = await sum.text([]);
  expect(text).toContain('events_total{outcome="a"} 6\n');
  expect(text).toContain("seconds_count 3\n");
  expect(text).toContain("open 1\n");
});

async function counted(times: number): Promise<CountedMetric[]> {
  const registry = new Registry();
  count(registry, times, 1);
  // As it is after its way from another process.
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as CountedMetric[];
}

function count(registry: Registry, times: number, observed: number): void {
  const registers = [registry];
  new Counter({ name: "events", help: "e", labelNames: ["outcome"], registers }).inc({ outcome: "a" }, times);
  new Gauge({ name: "open", help: "o", registers }).set(times);
  const seconds = new Histogram({ name: "seconds", help: "s", buckets: [1, 2], registers });
  for (let n = 0; n < observed; n += 1) seconds.observe(1);
}

function lines(text: string): string[] {
  return text.split("\n").toSorted();
}
