import {
  type Attributes as ApiAttributes,
  type Context,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer as ApiTracer,
  trace,
  TraceFlags,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { TracingSettings } from "#shared/config/tracing-settings.ts";
import { asUnsampled, formatTraceparent, parseTraceparent } from "#shared/protocol/traceparent.ts";
import { BoundedSpans, type SpanReport } from "./bounded-spans.ts";
import type { Sample } from "./sampling.ts";
import { type Attributes, type Span, type SpanStart, type Tracer, unrecorded } from "./tracer.ts";

/** What comes from outside must not decide how large a span is. */
const MAX_VALUE_CHARACTERS = 1_024;

/** What the tracer takes beside its settings. */
export interface OtlpTracerDeps {
  readonly resource: Attributes;
  readonly sample: Sample;
  readonly report: SpanReport;
}

/** A tracer that exports what it records by OTLP over HTTP. */
export interface OtlpTracer extends Tracer {
  /** Exports what waits, and ends. */
  shutdown(): Promise<void>;
  /** Spans whose fate is not known yet. */
  readonly kept: number;
}

/** Makes a tracer by the SDK of OpenTelemetry: this file loads it, at a quarter of a second and 27 MB. */
export function createOtlpTracer(
  settings: TracingSettings,
  url: string,
  { resource, sample, report }: OtlpTracerDeps,
): OtlpTracer {
  const spans = new BoundedSpans({
    exporter: openExporter(settings, url),
    maxQueueSize: settings.OTEL_BSP_MAX_QUEUE_SIZE,
    maxExportBatchSize: Math.min(settings.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, settings.OTEL_BSP_MAX_QUEUE_SIZE),
    scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMillis: settings.OTEL_EXPORTER_OTLP_TIMEOUT,
    report,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes(attributesOf(resource)),
    // Whoever asks it has decided already.
    sampler: new AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: MAX_VALUE_CHARACTERS },
    spanProcessors: [spans],
  });
  const api = provider.getTracer("sluice");
  return {
    isOn: true,
    begin(name, start) {
      if (sample(start.parent, start.trust)) return new RecordedSpan(beginSpan(api, name, start));
      // What is not recorded here must not be recorded further on.
      return unrecorded(start.parent && asUnsampled(start.parent));
    },
    shutdown: () => provider.shutdown(),
    get kept() {
      return spans.kept;
    },
  };
}

function openExporter(settings: TracingSettings, url: string): OTLPTraceExporter {
  type Options = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>;
  return new OTLPTraceExporter({
    url,
    headers: { ...settings.OTEL_EXPORTER_OTLP_HEADERS },
    timeoutMillis: settings.OTEL_EXPORTER_OTLP_TIMEOUT,
    // An enumeration of the library's with these values.
    compression: settings.OTEL_EXPORTER_OTLP_COMPRESSION as NonNullable<Options["compression"]>,
  });
}

function beginSpan(api: ApiTracer, name: string, start: SpanStart): ApiSpan {
  const { kind, parent, attributes = {}, links = [], startedAt } = start;
  return api.startSpan(
    name,
    {
      kind: KINDS[kind],
      attributes: attributesOf(attributes),
      links: links.map((link) => ({ context: remoteContext(link) })),
      ...(startedAt !== undefined && { startTime: startedAt }),
    },
    parentContext(parent),
  );
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

function parentContext(parent: string | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remoteContext(parent));
}

function remoteContext(traceparent: string): SpanContext {
  const { traceId, spanId, isSampled } = parseTraceparent(traceparent);
  return { traceId, spanId, traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

function attributesOf(attributes: Attributes): ApiAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, typeof value === "object" ? [...value] : value]),
  );
}

class RecordedSpan implements Span {
  readonly isRecorded = true;
  readonly traceparent: string;
  readonly #span: ApiSpan;

  constructor(span: ApiSpan) {
    this.#span = span;
    const { traceId, spanId } = span.spanContext();
    this.traceparent = formatTraceparent({ traceId, spanId, isSampled: true });
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributesOf(attributes));
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  link(traceparent: string): void {
    this.#span.addLink({ context: remoteContext(traceparent) });
  }

  note(name: string, attributes: Attributes = {}): void {
    this.#span.addEvent(name, attributesOf(attributes));
  }

  end(errorType?: string): void {
    if (errorType !== undefined) {
      this.#span.setAttribute("error.type", errorType);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
