import Negotiator from "negotiator";
import { type MetricObjectWithValues, type MetricValue, Registry } from "prom-client";

/** A metric with its values, as one process counted it. */
export type CountedMetric = MetricObjectWithValues<MetricValue<string>>;

/** What counted metrics are read from; a `Registry` of prom-client is one. */
export interface MetricsSource {
  getMetricsAsJSON(): Promise<readonly CountedMetric[]>;
}

/** Metrics as text. */
export interface MetricsText {
  readonly contentType: string;
  readonly body: string;
}

const OPEN_METRICS = "application/openmetrics-text";
const PLAIN = "text/plain";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  [OPEN_METRICS]: Registry.OPENMETRICS_CONTENT_TYPE,
  [PLAIN]: Registry.PROMETHEUS_CONTENT_TYPE,
};

/**
 * Writes metrics as OpenMetrics, or in Prometheus's older text format where the `Accept` header prefers `text/plain`: many agents
 * read nothing else. The samples have the same names in both.
 */
export async function formatMetrics(source: MetricsSource, accept: string | undefined): Promise<MetricsText> {
  // Without their parameters: Prometheus asks for versions, and for ways to escape names, that make no difference here.
  const accepted = new Negotiator({ headers: { accept } }).mediaTypes().find((type) => type in CONTENT_TYPES);
  const contentType = CONTENT_TYPES[accepted ?? OPEN_METRICS] ?? Registry.OPENMETRICS_CONTENT_TYPE;
  const registry = new Registry();
  registry.setContentType(contentType as never);
  for (const metric of await source.getMetricsAsJSON()) {
    // In OpenMetrics a registry changes the name of a counter: of a copy.
    const copy = { ...metric, name: sampleName(metric), get: async () => copy };
    registry.registerMetric(copy as never);
  }
  return { contentType, body: await registry.metrics() };
}

/** OpenMetrics writes `_total` behind each counter's name by itself, and the older format only what is there. */
function sampleName({ name, type }: CountedMetric): string {
  return String(type) === "counter" && !name.endsWith("_total") ? `${name}_total` : name;
}
