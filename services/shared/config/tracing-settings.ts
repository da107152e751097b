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
  OTEL_EXPORTER_OTLP_ENDPOINT: urlSchema.optional().meta({
    description:
      "an OTLP receiver, to whose URL `/v1/traces` is added; without it and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` nothing is traced",
    example: "http://127.0.0.1:4318",
    see: "operate/tracing.md",
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: urlSchema
    .optional()
    .describe("an OTLP receiver of traces, with its whole path; it wins over `OTEL_EXPORTER_OTLP_ENDPOINT`"),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .literal("http/protobuf")
    .default("http/protobuf")
    .describe("how spans are sent; there is no other way"),
  OTEL_EXPORTER_OTLP_HEADERS: pairsSchema.meta({
    description: "headers of each request, percent-encoded, such as a key of the receiver",
    example: "name=value,name=value",
    secret: true,
  }),
  OTEL_EXPORTER_OTLP_COMPRESSION: z.enum(["none", "gzip"]).default("none").describe("how requests are compressed"),
  OTEL_EXPORTER_OTLP_TIMEOUT: integerSchema(1, 600_000)
    .default(10_000)
    .meta({ description: "how long a batch of spans may take, repetitions among it", unit: "ms" }),
  OTEL_SERVICE_NAME: z
    .string()
    .optional()
    .describe("`service.name` of the spans, `sluice-<service>` by default; set it for each service, or not at all"),
  OTEL_RESOURCE_ATTRIBUTES: pairsSchema.meta({
    description: "what else is said of the process in its spans, percent-encoded",
    example: "deployment.environment.name=staging",
  }),
  OTEL_TRACES_SAMPLER: z
    .enum(SAMPLERS)
    .default("parentbased_always_on")
    .describe("which traces are recorded, by OpenTelemetry's names"),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .transform(parsedBy(parseRatio))
    .default(1)
    .describe("the share of traces that the two samplers with a ratio record, from 0 to 1"),
  OTEL_TRACES_EXPORTER: z.enum(["otlp", "none"]).default("otlp").describe("`none` turns tracing off"),
  OTEL_SDK_DISABLED: z
    .stringbool({ truthy: ["true"], falsy: ["false"] })
    .default(false)
    .describe("`true` turns tracing off, whatever else is set"),
  OTEL_BSP_MAX_QUEUE_SIZE: integerSchema(1, 100_000)
    .default(2_048)
    .describe("spans that wait at most; what comes beyond is dropped"),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: integerSchema(1, 10_000).default(512).describe("spans in a batch at most"),
  OTEL_BSP_SCHEDULE_DELAY: integerSchema(1, 600_000)
    .default(5_000)
    .meta({ description: "how long spans wait for others to go with them", unit: "ms" }),
  SLUICE_TRACES_PER_SECOND: integerSchema(0, 1_000_000)
    .default(100)
    .describe("traces that a process records at most of producers, and as many of strangers; `0` for none"),
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
