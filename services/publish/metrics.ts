import { Counter, Histogram, type Registry } from "prom-client";

/** What the publisher counts. */
export interface PublishMetrics {
  /** Events by what became of them. */
  readonly events: Counter<"result">;
  /** Requests by their error code, or `none`, and where they came in. */
  readonly requests: Counter<"code" | "door">;
  readonly storeSeconds: Histogram;
}

/** Makes the publisher's metrics; docs/reference/metrics-publish.md says what each means. */
export function createPublishMetrics(registry: Registry): PublishMetrics {
  const registers = [registry];
  return {
    events: new Counter({
      name: "sluice_publish_events_total",
      help: "Events that were taken, stored now or before",
      labelNames: ["result"],
      registers,
    }),
    requests: new Counter({
      name: "sluice_publish_requests_total",
      help: "Requests to publish, by the code of their refusal",
      labelNames: ["code", "door"],
      registers,
    }),
    storeSeconds: new Histogram({
      name: "sluice_publish_store_seconds",
      help: "How long the log took to store the events of a request",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 6],
      registers,
    }),
  };
}
