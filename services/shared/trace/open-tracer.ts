import { randomUUID } from "node:crypto";
import { Counter, type Registry } from "prom-client";
import { within } from "#shared/async/within.ts";
import type { TracingSettings } from "#shared/config/tracing-settings.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { systemClock } from "#shared/time/clock.ts";
import { createSampling } from "./sampling.ts";
import { reportSpans } from "./report-spans.ts";
import { noTracer, type Tracer } from "./tracer.ts";

/** An end of the process must not wait longer for a receiver of spans. */
const FLUSH_MS = 500;

/** A tracer, until it is disposed: that exports what waits, for half a second at most. */
export interface OpenTracer extends Tracer, AsyncDisposable {}

/** What opening takes beside its settings. */
export interface OpenTracerDeps {
  readonly registry: Registry;
  readonly log: Logger;
  /** What lines of this process call it (`service.instance.id`); a random id by default. */
  readonly instanceId?: string;
}

/**
 * Opens the tracer of a service. Without an endpoint it records nothing, and the SDK is not even loaded. Spans go to the endpoint in
 * batches, beside all other work: where it is away or slow they are dropped, counted, and nobody waits.
 */
export async function openTracer(
  service: string,
  settings: TracingSettings,
  { registry, log, instanceId = randomUUID() }: OpenTracerDeps,
): Promise<OpenTracer> {
  const url = urlOf(settings);
  if (url === undefined) return { ...noTracer, [Symbol.asyncDispose]: async () => undefined };
  const overRate = new Counter({
    name: "sluice_traces_over_rate",
    help: "Traces that were not recorded because SLUICE_TRACES_PER_SECOND others were",
    registers: [registry],
  });
  const sampling = { now: () => systemClock.monotonic(), random: Math.random, onOverRate: () => overRate.inc() };
  const { createOtlpTracer } = await import("./otlp-tracer.ts");
  const tracer = createOtlpTracer(settings, url, {
    resource: resourceOf(service, instanceId, settings),
    sample: createSampling(settings, sampling),
    report: reportSpans(registry, log),
  });
  return {
    isOn: true,
    begin: tracer.begin,
    async [Symbol.asyncDispose]() {
      if (!(await within(FLUSH_MS, tracer.shutdown())))
        log.warn({ spans: tracer.kept }, "spans are lost: the endpoint did not take them in time");
    },
  };
}

function urlOf(settings: TracingSettings): string | undefined {
  if (settings.OTEL_SDK_DISABLED || settings.OTEL_TRACES_EXPORTER === "none") return undefined;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole } = settings;
  return whole ?? (base && `${base.replace(/\/+$/, "")}/v1/traces`);
}

/** What is set of it wins over what we know of it. */
function resourceOf(
  service: string,
  instanceId: string,
  { OTEL_SERVICE_NAME: name, OTEL_RESOURCE_ATTRIBUTES: given }: TracingSettings,
) {
  return {
    "service.name": `sluice-${service}`,
    "service.version": VERSION,
    "service.instance.id": instanceId,
    ...given,
    ...(name !== undefined && { "service.name": name }),
  };
}
