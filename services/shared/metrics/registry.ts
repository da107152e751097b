import { gaugeWhenRead } from "./counted-when-read.ts";
import { readdir } from "node:fs/promises";
import { VERSION } from "../lifecycle/version.ts";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** A service's own metrics registry, with the process's figures and its version already in it. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of SLOW) registry.removeSingleMetric(name);
  countDescriptors(registry);
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

/** What looks at each connection in one step: with 16 000 of them a scrape held up all of them for 31 ms. */
const SLOW = [
  "process_open_fds",
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
];

/** As prom-client has it, but read by another thread; only Linux lists them. */
function countDescriptors(registry: Registry): void {
  const described = { name: "process_open_fds", help: "Number of open file descriptors." };
  gaugeWhenRead(registry, described, async (gauge) => {
    const open = await readdir("/proc/self/fd").catch(() => undefined);
    // One of them is that of the list itself.
    if (open !== undefined) gauge.set(open.length - 1);
  });
}
