import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { type CountedMetric, formatMetrics } from "#shared/metrics/format-metrics.ts";
import { MetricsSum } from "./metrics-sum.ts";

const [one, other] = [{ index: 0 }, { index: 1 }];
const textOf = async (sum: MetricsSum): Promise<string> => {
  const text = await formatMetrics({ getMetricsAsJSON: () => sum.with([]) }, undefined);
  return text.body;
};

test("what workers counted is added up, in the format a single process has", async () => {
  const sum = new MetricsSum();
  sum.update(one, await counted(2));
  sum.update(other, await counted(3));
  const alone = new Registry();
  count(alone, 5, 2);
  expect(lines(await textOf(sum))).toEqual(lines((await formatMetrics(alone, undefined)).body));
});

test("counters of a worker that is gone stay in the sum, its gauges do not", async () => {
  const sum = new MetricsSum();
  sum.update(one, await counted(2));
  await sum.keep(one);
  sum.update(other, await counted(3));
  await sum.keep(other);
  await sum.keep({ index: 2 });
  sum.update({ index: 0 }, await counted(1));
  const text = await textOf(sum);
  expect(text).toContain('events_total{outcome="a"} 6\n');
  expect(text).toContain("seconds_count 3\n");
  expect(text).toContain("open 1\n");
});

test("counters never fall, also in a scrape at whose very moment workers are gone", async () => {
  const sum = new MetricsSum();
  sum.update(one, await counted(2));
  sum.update(other, await counted(3));
  const kept = [sum.keep(one), sum.keep(other)];
  expect(await textOf(sum)).toContain('events_total{outcome="a"} 5\n');
  await Promise.all(kept);
  expect(await textOf(sum)).toContain('events_total{outcome="a"} 5\n');
});

test("a worker that is stuck is not hidden by the others, and one that takes its place goes on with its counters", async () => {
  const sum = new MetricsSum();
  const delivered = async (figure: number) => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: "sluice_stream_events_delivered_total", help: "e", registers }).inc(figure);
    new Gauge({ name: "nodejs_eventloop_lag_max_seconds", help: "l", registers, aggregator: "average" }).set(figure);
    return registry.getMetricsAsJSON();
  };
  sum.update(one, await delivered(1));
  sum.update(other, await delivered(9));
  await sum.keep(one);
  sum.update({ index: 0 }, await delivered(2));
  const text = await textOf(sum);
  expect(text.match(/^\w+\{.*$/gm)?.toSorted()).toEqual([
    'nodejs_eventloop_lag_max_seconds{worker="0"} 2',
    'nodejs_eventloop_lag_max_seconds{worker="1"} 9',
    'sluice_stream_events_delivered_total{worker="0"} 3',
    'sluice_stream_events_delivered_total{worker="1"} 9',
  ]);
});

async function counted(times: number): Promise<CountedMetric[]> {
  const registry = new Registry();
  count(registry, times, 1);
  // As it is after its way from another process.
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as CountedMetric[];
}

function count(registry: Registry, times: number, observed: number): void {
  const registers = [registry];
  new Counter({ name: "events_total", help: "e", labelNames: ["outcome"], registers }).inc({ outcome: "a" }, times);
  new Gauge({ name: "open", help: "o", registers }).set(times);
  const seconds = new Histogram({ name: "seconds", help: "s", buckets: [1, 2], registers });
  for (let n = 0; n < observed; n += 1) seconds.observe(1);
}

function lines(text: string): string[] {
  return text.split("\n").toSorted();
}
