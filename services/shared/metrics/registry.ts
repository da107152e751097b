import { VERSION } from "../lifecycle/version.ts";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** A service's own metrics registry, in the OpenMetrics format, with the process's figures and its version already in it. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "sluice_build_info",
    help: "Always 1; the label is the version that runs",
    labelNames: ["version"],
    // One of several workers speaks for all.
    aggregator: "max",
    registers: [registry],
  }).set({ version: VERSION }, 1);
  return registry;
}
