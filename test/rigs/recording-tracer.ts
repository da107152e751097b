import { asUnsampled, formatTraceparent, parseTraceparent } from "#shared/protocol/traceparent.ts";
import { type Span, type SpanStart, type Tracer, unrecorded } from "#shared/trace/tracer.ts";

/** A span as a test sees it. */
export interface RecordedSpan extends SpanStart {
  readonly name: string;
  readonly said: Record<string, unknown>;
  readonly linked: string[];
  readonly notes: string[];
  readonly traceparent: string;
  /** Undefined while it is open; `ok` where it has not failed. */
  ended: string | undefined;
}

/** A tracer that records in memory each trace that is sampled, whoever says so, and those that strangers begin. */
export function recordingTracer(): Tracer & { readonly spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  return {
    spans,
    isOn: true,
    begin(name, start) {
      const parent = start.parent === undefined ? undefined : parseTraceparent(start.parent);
      if (parent === undefined ? start.trust === "inside" : !parent.isSampled) {
        return unrecorded(start.parent && asUnsampled(start.parent));
      }
      const spanId = String(spans.length + 1).padStart(16, "0");
      const traceparent = formatTraceparent({ traceId: parent?.traceId ?? "f".repeat(32), spanId, isSampled: true });
      const span: RecordedSpan = { ...start, name, said: {}, linked: [], notes: [], traceparent, ended: undefined };
      spans.push(span);
      return spanOf(span);
    },
  };
}

function spanOf(span: RecordedSpan): Span {
  return {
    isRecorded: true,
    traceparent: span.traceparent,
    set: (attributes) => void Object.assign(span.said, attributes),
    rename: (name) => void Object.assign(span, { name }),
    link: (to) => void span.linked.push(to),
    note: (name) => void span.notes.push(name),
    end: (errorType = "ok") => void (span.ended = errorType),
  };
}
