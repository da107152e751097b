import type { Span, Tracer } from "#shared/trace/tracer.ts";
import type { StreamIds } from "./observer.ts";

/** The span of an open stream, which ends with it. */
export interface StreamTrace {
  readonly traceparent: string | undefined;
  /** It ended, for the reason that its client was sent, or `gone`, or `fault`; so many events were written to it. */
  end(reason: string, events: number): void;
}

/** How a stream ends that nobody wanted to end: its time was over, or it broke off. Any other was completed. */
const ENDS: Readonly<Record<string, "timeout" | "aborted">> = {
  expired: "timeout",
  max_age: "timeout",
  idle: "timeout",
  gone: "aborted",
  slow: "aborted",
  overload: "aborted",
  fault: "aborted",
};

/** Begins the span of a stream under that of its handshake; undefined where nobody records it. */
export function beginStream(
  tracer: Tracer,
  parent: string | undefined,
  { connectionId, requestId, tenant }: StreamIds & { readonly tenant: string },
): StreamTrace | undefined {
  const span = tracer.begin("stream", {
    kind: "internal",
    parent,
    trust: "inside",
    attributes: { "sluice.tenant": tenant, "sluice.connection.id": connectionId, "sluice.request.id": requestId },
  });
  if (!span.isRecorded) return undefined;
  span.note("created");
  return traceStream(span);
}

function traceStream(span: Span): StreamTrace {
  return {
    traceparent: span.traceparent,
    end(reason, events) {
      span.note(ENDS[reason] ?? "completed", { "sluice.stream.end_reason": reason });
      span.set({ "sluice.stream.end_reason": reason, "sluice.stream.events_sent": events });
      span.end(reason === "fault" ? reason : undefined);
    },
  };
}
