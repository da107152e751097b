import { z } from "zod";
import { integerSchema } from "./read-config.ts";
import { parsedBy } from "./server-urls.ts";

/** The samplers of OpenTelemetry that need no server. */
const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

const pairsSchema = z.string().transform(parsedBy(parsePairs)).default({});

const urlSchema = z.string().refine(isHttpUrl, "must be a URL that begins with http:// or https://");

/** Where spans go and which, by the names that OpenTelemetry gives its variables. */
export const tracingSettings = {
  /** `true` turns tracing off, whatever else is set. */
  OTEL_SDK_DISABLED: z.stringbool({ truthy: ["true"], falsy: ["false"] }).default(false),
  OTEL_TRACES_EXPORTER: z.enum(["otlp", "none"]).default("otlp"),
  /** An OTLP receiver, to whose URL `/v1/traces` is added. Without it, and without the next, nothing is traced. */
  OTEL_EXPORTER_OTLP_ENDPOINT: urlSchema.optional(),
  /** The same, with the whole path. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: urlSchema.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal("http/protobuf").default("http/protobuf"),
  /** `name=value,name=value`, percent-encoded; goes with each request. */
  OTEL_EXPORTER_OTLP_HEADERS: pairsSchema,
  OTEL_EXPORTER_OTLP_COMPRESSION: z.enum(["none", "gzip"]).default("none"),
  /** How long one batch of spans may take, repetitions among it. */
  OTEL_EXPORTER_OTLP_TIMEOUT: integerSchema(1, 600_000).default(10_000),
  OTEL_SERVICE_NAME: z.string().optional(),
  /** `name=value,name=value`, percent-encoded. */
  OTEL_RESOURCE_ATTRIBUTES: pairsSchema,
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default("parentbased_always_on"),
  /** Of the samplers with a ratio: how many of the traces are recorded, from 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: z.string().transform(parsedBy(parseRatio)).default(1),
  /** Spans that wait at most; what comes beyond is dropped. */
  OTEL_BSP_MAX_QUEUE_SIZE: integerSchema(1, 100_000).default(2_048),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: integerSchema(1, 10_000).default(512),
  /** How long spans wait for others to go with them. */
  OTEL_BSP_SCHEDULE_DELAY: integerSchema(1, 600_000).default(5_000),
  /** Traces that a process records at most of what producers send, and as many of what strangers ask. */
  SLUICE_TRACES_PER_SECOND: integerSchema(0, 1_000_000).default(100),
};

/** The settings of traces, parsed. */
export type TracingSettings = Readonly<z.infer<z.ZodObject<typeof tracingSettings>>>;

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:\/\//i.test(text);
}

function parseRatio(text: string): number {
  const ratio = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw new Error("must be a number from 0 to 1");
}

/** Pairs as W3C Baggage writes them, without its properties. */
function parsePairs(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(pairs.map(parsePair));
}

function parsePair(pair: string): [name: string, value: string] {
  const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
  try {
    if (name !== undefined && value !== undefined) return [decodeURIComponent(name), decodeURIComponent(value)];
  } catch {
    // It is not percent-encoded: told below.
  }
  throw new Error("must be name=value pairs, separated by commas and percent-encoded");
}
