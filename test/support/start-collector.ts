import { startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { accepts } from "../../scripts/shared/accepts.ts";
import type { OtlpReceiver } from "./start-otlp-receiver.ts";
import { waitFor } from "./wait.ts";

/** Where services send spans that arrive at a receiver. */
export interface SpanRoad extends AsyncDisposable {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` says. */
  readonly url: string;
}

/**
 * The road to a receiver: straight, or where `OTELCOL` names the program of an OpenTelemetry Collector with the receiver `otlp` and the
 * exporter `otlp_http`, through that.
 */
export async function startSpanRoad({ url }: OtlpReceiver): Promise<SpanRoad> {
  const program = process.env["OTELCOL"];
  if (program === undefined) return { url, [Symbol.asyncDispose]: async () => undefined };
  const port = await freePort();
  const pipeline = { receivers: ["otlp"], exporters: ["otlp_http"] };
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { otlp_http: { endpoint: url, compression: "none" } },
    service: { telemetry: { metrics: { level: "none" } }, pipelines: { traces: pipeline } },
  };
  const collector = startChild(program, ["--config", `yaml:${JSON.stringify(config)}`], {});
  await waitFor("the collector receives", () => {
    if (collector.process.exitCode !== null) throw new Error(collector.output());
    return accepts(port);
  });
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (await collector.end("SIGTERM")) };
}
