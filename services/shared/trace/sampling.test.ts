import { describe, expect, test } from "vitest";
import { z } from "zod";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { createSampling } from "./sampling.ts";

const traceOf = (digits: string, flags: string): string => `00-${digits.padStart(32, "a")}-b7ad6b7169203331-${flags}`;
const [SAMPLED, UNSAMPLED] = [traceOf("1", "01"), traceOf("1", "00")];

function sampling(env: Record<string, string>, drawn = 0.5) {
  const clock = { ms: 0, overRate: 0 };
  const sample = createSampling(z.object(tracingSettings).parse(env), {
    now: () => clock.ms,
    random: () => drawn,
    onOverRate: () => void (clock.overRate += 1),
  });
  return { clock, sample };
}

describe("a trace", () => {
  test("is recorded where its producer says so, and not where it says no", () => {
    const { sample } = sampling({ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" });
    expect([sample(SAMPLED, "producer"), sample(UNSAMPLED, "producer")]).toEqual([true, false]);
    expect(sample(undefined, "producer")).toBe(false);
  });

  test("of a stranger is recorded as often as the sampler says, whatever the stranger says", () => {
    const half = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" };
    for (const parent of [SAMPLED, UNSAMPLED, undefined, traceOf("0".repeat(14), "01")]) {
      expect(sampling(half, 0.5).sample(parent, "stranger")).toBe(false);
      expect(sampling(half, 0.49).sample(parent, "stranger")).toBe(true);
    }
  });

  test("goes on inside as it began, and none begins there", () => {
    const { sample } = sampling({ OTEL_TRACES_SAMPLER: "always_off" });
    expect([SAMPLED, UNSAMPLED, undefined].map((parent) => sample(parent, "inside"))).toEqual([true, false, false]);
  });

  test("is judged by its id alone where the sampler is not based on parents: each service decides the same", () => {
    const { sample } = sampling({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" });
    const [low, high] = ["7ffffffffffff", "8000000000000"];
    expect([traceOf(low, "00"), traceOf(high, "01")].map((parent) => sample(parent, "producer"))).toEqual([
      true,
      false,
    ]);
  });

  test("of a producer or a stranger is one of so many in a second; what is inside goes on", () => {
    const { sample, clock } = sampling({ SLUICE_TRACES_PER_SECOND: "2" });
    const take = (trust: "producer" | "stranger") => [1, 2, 3].map(() => sample(SAMPLED, trust));
    expect([take("stranger"), take("producer")]).toEqual([
      [true, true, false],
      [true, true, false],
    ]);
    expect(sample(SAMPLED, "inside")).toBe(true);
    expect(clock.overRate).toBe(2);
    clock.ms = 1_000;
    expect(take("producer")).toEqual([true, true, false]);
  });
});

describe("the settings of traces", () => {
  const parse = (env: Record<string, string>) => z.object(tracingSettings).safeParse(env);

  test("take headers and attributes as pairs, percent-encoded", () => {
    const { data } = parse({ OTEL_EXPORTER_OTLP_HEADERS: " api-key = a%2Cb , x=1=2,", OTEL_RESOURCE_ATTRIBUTES: "k=" });
    expect(data?.OTEL_EXPORTER_OTLP_HEADERS).toEqual({ "api-key": "a,b", x: "1=2" });
    expect(data?.OTEL_RESOURCE_ATTRIBUTES).toEqual({ k: "" });
  });

  test.each([
    ["OTEL_EXPORTER_OTLP_HEADERS", "key"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "=value"],
    ["OTEL_EXPORTER_OTLP_HEADERS", "key=%"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
    ["OTEL_TRACES_SAMPLER_ARG", "1.01"],
    ["OTEL_TRACES_SAMPLER_ARG", "-0.1"],
    ["OTEL_SDK_DISABLED", "yes"],
    ["OTEL_BSP_MAX_QUEUE_SIZE", "100001"],
  ])("refuse %s=%s", (name, value) => {
    expect(parse({ [name]: value }).error?.issues.map(({ path }) => path)).toEqual([[name]]);
  });

  test("take the largest ratio and the largest queue", () => {
    expect(parse({ OTEL_TRACES_SAMPLER_ARG: "1.0", OTEL_BSP_MAX_QUEUE_SIZE: "100000" }).success).toBe(true);
  });
});
