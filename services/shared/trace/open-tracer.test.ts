import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type OtlpReceiver, startOtlpReceiver } from "#test/support/start-otlp-receiver.ts";
import { freePort } from "#test/support/ports.ts";
import { waitFor } from "#test/support/wait.ts";
import { openTracer } from "./open-tracer.ts";
import { inSpan, type SpanStart } from "./tracer.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PARENT: SpanStart = { kind: "consumer", parent: TRACE, trust: "producer" };

let receiver: OtlpReceiver;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(async () => receiver[Symbol.asyncDispose]());

async function open(env: Record<string, string> = {}) {
  const lines: (readonly [string, object])[] = [];
  const say = (level: string) => (facts: object) => void lines.push([level, facts]);
  const settings = z.object(tracingSettings).parse({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: "1",
    SLUICE_TRACES_PER_SECOND: "1000000",
    ...env,
  });
  const registry = new Registry();
  const log = { warn: say("warn"), info: say("info") } as never;
  const tracer = await openTracer("test", settings, { registry, log });
  const metric = async (name: string, reason?: string): Promise<number | undefined> => {
    const { values = [] } = (await registry.getSingleMetric(name)?.get()) ?? {};
    return values.find(({ labels }) => reason === undefined || labels["reason"] === reason)?.value;
  };
  return { tracer, lines, metric };
}

describe("a span", () => {
  test("comes to the endpoint with its parent, attributes, links, notes and failure", async () => {
    const { tracer, metric } = await open({
      OTEL_SERVICE_NAME: "mine",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
    });
    const span = tracer.begin("process", {
      ...PARENT,
      attributes: { n: 1, list: ["a"], gone: undefined },
      links: [TRACE],
    });
    const child = tracer.begin("decide", { kind: "internal", parent: span.traceparent, trust: "inside" });
    child.note("asked", { by: "it" });
    child.end();
    await expect(
      inSpan(span, async () => {
        throw new AppError("forbidden", "no");
      }),
    ).rejects.toThrow("no");
    await waitFor("both are taken", async () => (await metric("sluice_trace_spans_exported")) === 2);
    await tracer[Symbol.asyncDispose]();
    const [decided, processed] = receiver.spans;
    expect(processed).toMatchObject({
      service: "mine",
      traceId: TRACE.split("-")[1],
      parentSpanId: TRACE.split("-")[2],
      name: "process",
      kind: 5,
      attributes: { n: 1, list: ["a"], "error.type": "forbidden" },
      links: [TRACE.split("-")[2]],
      status: 2,
      resource: { "deployment.environment.name": "test", "service.version": expect.any(String) },
    });
    expect(span.traceparent).toBe(`00-${processed?.traceId}-${processed?.spanId}-01`);
    expect(decided).toMatchObject({
      parentSpanId: processed?.spanId,
      kind: 1,
      status: 0,
      events: [{ name: "asked", attributes: { by: "it" } }],
    });
    expect(receiver.headers["api-key"]).toBe("secret");
  });

  test("that is not recorded passes its trace on as one that is not", async () => {
    const { tracer } = await open({ OTEL_TRACES_SAMPLER: "always_off" });
    const span = tracer.begin("GET", { kind: "server", parent: TRACE, trust: "stranger" });
    expect([span.isRecorded, span.traceparent]).toEqual([false, TRACE.replace(/01$/, "00")]);
    await tracer[Symbol.asyncDispose]();
    expect(receiver.requests).toBe(0);
  });

  test("that waits when the process ends is sent", async () => {
    const { tracer } = await open({ OTEL_BSP_SCHEDULE_DELAY: "600000" });
    tracer.begin("process", PARENT).end();
    await tracer[Symbol.asyncDispose]();
    await waitFor("it is taken", () => receiver.spans.length === 1);
  });

  test("is nothing without an endpoint, and passes its trace on as it came", async () => {
    for (const env of [{ OTEL_SDK_DISABLED: "true" }, { OTEL_TRACES_EXPORTER: "none" }]) {
      const { tracer } = await open(env);
      const span = tracer.begin("process", PARENT);
      expect([span.isRecorded, span.traceparent]).toEqual([false, TRACE]);
    }
  });

  test("keeps at most 1024 characters of a value", async () => {
    const { tracer } = await open();
    tracer.begin("process", { ...PARENT, attributes: { at: "x".repeat(1_024), past: "y".repeat(1_025) } }).end();
    await waitFor("it is taken", () => receiver.spans.length === 1);
    await tracer[Symbol.asyncDispose]();
    expect(receiver.spans[0]?.attributes).toEqual({ at: "x".repeat(1_024), past: "y".repeat(1_024) });
  });
});

describe("an endpoint", () => {
  test.each([
    ["that answers 500", (response: { writeHead(status: number): { end(): void } }) => response.writeHead(500).end()],
    ["that cuts the connection", (response: { destroy(): void }) => response.destroy()],
  ])("%s costs the spans, which are counted, and one line until it takes some again", async (_, answer) => {
    // No repetition comes that soon: a failure is final at once.
    const { tracer, lines, metric } = await open({ OTEL_EXPORTER_OTLP_TIMEOUT: "700" });
    receiver.answers(answer);
    for (const lost of [1, 2]) {
      tracer.begin("process", PARENT).end();
      await waitFor(`${lost} are lost`, async () => (await metric("sluice_trace_spans_dropped", "export")) === lost);
    }
    receiver.answers();
    await waitFor("one is taken", async () => {
      tracer.begin("process", PARENT).end();
      return ((await metric("sluice_trace_spans_exported")) ?? 0) > 0;
    });
    expect(lines).toEqual([
      ["warn", { reason: "export", cause: expect.anything() }],
      ["info", { spans: expect.any(Number) }],
    ]);
    await tracer[Symbol.asyncDispose]();
  });

  test("that answers garbage has taken the spans all the same", async () => {
    const { tracer, metric } = await open();
    receiver.answers((response) => void response.writeHead(200).end("\xff\xff garbage"));
    tracer.begin("process", PARENT).end();
    await waitFor("it is taken", async () => (await metric("sluice_trace_spans_exported")) === 1);
    await tracer[Symbol.asyncDispose]();
  });

  test("that is slow holds as many spans as the queue has room for, and the end of the process for half a second", async () => {
    const { tracer, lines, metric } = await open({
      OTEL_BSP_MAX_QUEUE_SIZE: "3",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2",
    });
    receiver.answers(() => undefined);
    for (let span = 0; span < 5; span += 1) tracer.begin("process", PARENT).end();
    expect(await metric("sluice_trace_spans_dropped", "queue")).toBe(2);
    await tracer[Symbol.asyncDispose]();
    expect(lines.at(-1)).toEqual(["warn", { spans: 3 }]);
  });

  test("that is away costs nobody anything but spans", async () => {
    const port = await freePort();
    const { tracer, metric } = await open({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: "20",
    });
    tracer.begin("process", PARENT).end();
    await waitFor("it is dropped", async () => (await metric("sluice_trace_spans_dropped", "export")) === 1);
    await tracer[Symbol.asyncDispose]();
  });
});
