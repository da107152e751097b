import { AggregatorRegistry, Registry } from "prom-client";
import type { CountedMetric } from "./messages.ts";

/** Adds up what workers counted. What one counted that is no more stays in the sum: a counter never falls. */
export class MetricsSum {
  /** What each worker had counted when it was last asked. */
  readonly #latest = new Map<object, CountedMetric[]>();
  #kept: CountedMetric[] = [];

  readonly contentType = Registry.OPENMETRICS_CONTENT_TYPE;

  /** Takes what a worker has counted so far. */
  take(worker: object, metrics: CountedMetric[]): void {
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
