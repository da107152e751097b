import { Counter, type Registry } from "prom-client";
import type { Logger } from "#shared/log/create-logger.ts";
import type { SpanReport } from "./bounded-spans.ts";

/** Counts what becomes of spans, and logs when they begin to be lost, and when they go out again. */
export function reportSpans(registry: Registry, log: Pick<Logger, "warn" | "info">): SpanReport {
  const exported = new Counter({
    name: "sluice_trace_spans_exported",
    help: "Spans that the endpoint has taken",
    registers: [registry],
  });
  const dropped = new Counter({
    name: "sluice_trace_spans_dropped",
    help: "Spans that were lost: too many waited (queue), or the endpoint did not take them (export)",
    labelNames: ["reason"],
    registers: [registry],
  });
  for (const reason of ["queue", "export"]) dropped.inc({ reason }, 0);
  /** Since the endpoint took spans last. */
  let lost = 0;
  return {
    exported(spans) {
      exported.inc(spans);
      if (lost > 0) log.info({ spans: lost }, "spans are exported again");
      lost = 0;
    },
    dropped(spans, reason, error) {
      dropped.inc({ reason }, spans);
      if (lost === 0)
        log.warn(
          { reason, cause: error?.message.slice(0, 300) },
          "spans are lost: they are counted until the endpoint takes some again",
        );
      lost += spans;
    },
  };
}
