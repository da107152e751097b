import { AggregatorRegistry, Registry } from "prom-client";
import type { CountedMetric } from "./messages.ts";

/** Adds up the workers' metrics. Counts of workers that are gone stay in the sum: a counter never falls. */
export class MetricsSum {
  /** Each worker's metrics when it was last asked. */
  readonly #latest = new Map<object, CountedMetric[]>();
  #kept: CountedMetric[] = [];

  readonly contentType = Registry.OPENMETRICS_CONTENT_TYPE;

  /** Replaces a worker's metrics. */
  update(worker: object, metrics: CountedMetric[]): void {
    this.#latest.set(worker, metrics);
  }

  /** The worker is gone: its gauges say nothing any more, its counters stay. */
  async keep(worker: object): Promise<void> {
    const counted = (this.#latest.get(worker) ?? []).filter(isCounter);
    this.#latest.delete(worker);
    this.#kept = await add([this.#kept, counted]).getMetricsAsJSON();
  }

  /** The sum with what the primary counted itself, as text. */
  text(own: CountedMetric[]): Promise<string> {
    const sum = add([...this.#latest.values(), this.#kept, own]);
    sum.setContentType(this.contentType as never);
    return sum.metrics();
  }
}

function add(counted: CountedMetric[][]): Registry {
  return AggregatorRegistry.aggregate(counted);
}

function isCounter({ type }: CountedMetric): boolean {
  return ["counter", "histogram"].includes(String(type));
}
