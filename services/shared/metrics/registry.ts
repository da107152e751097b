import { collectDefaultMetrics, Registry } from "prom-client";

/** A service's own metrics registry, in the OpenMetrics format, with the process's figures already in it. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  collectDefaultMetrics({ register: registry });
  return registry;
}
