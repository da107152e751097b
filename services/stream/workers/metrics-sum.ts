import { AggregatorRegistry, type Registry } from "prom-client";
import type { CountedMetric } from "#shared/metrics/format-metrics.ts";

/** Told of each worker by itself: a sum or a mean would hide the one that is stuck, and the top tenants of each are its own. */
const BY_WORKER: ReadonlySet<string> = new Set([
  "sluice_stream_connections",
  "sluice_stream_events_delivered_total",
  "sluice_stream_event_bytes_total",
  "sluice_stream_tenant_connections",
  "sluice_stream_tenant_events_delivered_total",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_eventloop_lag_max_seconds",
  "nodejs_heap_size_used_bytes",
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
]);

/** A worker, as far as its figures bear its name: one that takes another's place goes on with its series. */
export interface CountingWorker {
  readonly index: number;
}

/**
 * Adds up the workers' metrics; some have a label by worker instead. Counts of workers that are gone stay in the sum: a counter
 * never falls.
 */
export class MetricsSum {
  /** Each worker's metrics when it was last asked. */
  readonly #latest = new Map<CountingWorker, CountedMetric[]>();
  /** Of workers that are gone. */
  #kept: readonly CountedMetric[][] = [];

  /** Replaces a worker's metrics. */
  update(worker: CountingWorker, metrics: readonly CountedMetric[]): void {
    this.#latest.set(
      worker,
      metrics.map((metric) => (BY_WORKER.has(metric.name) ? ofWorker(worker, metric) : metric)),
    );
  }

  /** The worker is gone: its gauges say nothing any more, its counters stay. They are in the sum at each moment. */
  async keep(worker: CountingWorker): Promise<void> {
    const counted = (this.#latest.get(worker) ?? []).filter(isCounter);
    this.#latest.delete(worker);
    const kept = [...this.#kept, counted];
    this.#kept = kept;
    const sum = await add(kept).getMetricsAsJSON();
    if (this.#kept === kept) this.#kept = [sum];
  }

  /** The sum, with what the primary counted itself. */
  with(own: CountedMetric[]): Promise<CountedMetric[]> {
    return add([...this.#latest.values(), ...this.#kept, own]).getMetricsAsJSON();
  }
}

function ofWorker({ index }: CountingWorker, metric: CountedMetric): CountedMetric {
  const worker = String(index);
  const values = metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } }));
  return { ...metric, values };
}

function add(counted: CountedMetric[][]): Registry {
  return AggregatorRegistry.aggregate(counted);
}

function isCounter({ type }: CountedMetric): boolean {
  return ["counter", "histogram"].includes(String(type));
}
