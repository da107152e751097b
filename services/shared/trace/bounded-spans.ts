import { ExportResultCode } from "@opentelemetry/core";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";

/** Why a span was not exported: too many waited, or the endpoint did not take it. */
export type DropReason = "queue" | "export";

/** What became of spans. */
export interface SpanReport {
  exported(spans: number): void;
  dropped(spans: number, reason: DropReason, error?: Error): void;
}

/** How spans wait for their export. */
export interface BoundedSpansOptions {
  readonly exporter: SpanExporter;
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
  readonly report: SpanReport;
}

/** Exports spans in batches. Those that wait or are under way are bounded, and each that is lost is reported; the library tells nobody. */
export class BoundedSpans implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #maxSpans: number;
  readonly #report: SpanReport;
  /** Spans that wait, or are under way. */
  #kept = 0;

  constructor({ exporter, report, ...options }: BoundedSpansOptions) {
    this.#report = report;
    this.#maxSpans = options.maxQueueSize;
    this.#batches = new BatchSpanProcessor({ ...options, exporter: this.#reporting(exporter) });
  }

  /** Spans whose fate is not known yet. */
  get kept(): number {
    return this.#kept;
  }

  onStart(_span: Span): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#kept >= this.#maxSpans) return this.#report.dropped(1, "queue");
    this.#kept += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #reporting(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, onResult) =>
        exporter.export(spans, (result) => {
          this.#kept -= spans.length;
          if (result.code === ExportResultCode.SUCCESS) this.#report.exported(spans.length);
          else this.#report.dropped(spans.length, "export", result.error);
          onResult(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }
}
