import { createServer } from "node:http";
import { z } from "zod";
import { tracingSettings } from "#shared/config/tracing-settings.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import { listenHere } from "#test/support/listen-here.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { EventTraces } from "../../../services/stream/observe/event-traces.ts";
import { cpuMillis } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { medianCpuMs } from "../per-cpu-second.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Scenario } from "../scenario.ts";

const PER_SECOND = 200;
const SECONDS = 8;
const CROWD = 500;
const ROUNDS = 9;

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

/** What tracing adds to an event, by what an edge spends on it without. */
export const tracing: Scenario = {
  name: "tracing",
  about: `CPU of tracing for each event, not sampled and sampled, by that of an edge for one with 1 and ${CROWD} readers`,
  async run(bench) {
    const [one = Number.NaN, many = Number.NaN] = await costOfEvents(bench, [1, CROWD]);
    await using traced = await openTraced();
    const [bare, unsampled] = [traced.microsOf(200_000, undefined), traced.microsOf(200_000, `${TRACE}-00`)];
    const sampled = await traced.exportedMicrosOf(2_000, `${TRACE}-01`);
    const inHundred = 0.99 * unsampled + 0.01 * sampled;
    return [
      { name: "an event with 1 reader, not traced", value: one, unit: "µs" },
      { name: `an event with ${CROWD} readers, not traced`, value: many, unit: "µs" },
      { name: "to look at an event without a trace", value: bare, unit: "µs" },
      { name: "to look at one that is not sampled", value: unsampled, unit: "µs" },
      { name: "to trace and export one: 3 spans", value: sampled, unit: "µs" },
      { name: "not sampled, 1 reader, adds", value: (unsampled / one) * 100, unit: "%", goal: { atMost: 1 } },
      { name: "1 % sampled, 1 reader, adds", value: (inHundred / one) * 100, unit: "%" },
      { name: `1 % sampled, ${CROWD} readers, adds`, value: (inHundred / many) * 100, unit: "%" },
    ];
  },
};

/** What an edge spends on each event with so many readers, in microseconds: one edge for each number, all get the same events. */
async function costOfEvents(
  { stack, issuer, programs, startEdge }: Bench,
  crowds: readonly number[],
): Promise<number[]> {
  await using open = new AsyncDisposableStack();
  const producer = await stack.bus("demo");
  const edges: RunningService[] = [];
  for (const readers of crowds) {
    const edge = open.use(await startEdge());
    const requests = await streamRequests(issuer, BOB, readers, () => "push.>");
    open.use(await openReaders(programs, edge.ports.http, requests, readers));
    edges.push(edge);
  }
  const publish = (seconds: number) =>
    atRate({ ratePerSecond: PER_SECOND, seconds }, () => {
      void producer.js.publish("events.demo.push.event.bench", payloadOf(200));
    });
  const spent = () => Promise.all(edges.map(({ child }) => cpuMillis(child.process.pid)));
  // Just-in-time compilation is not what is measured.
  await publish(2);
  const before = await spent();
  await publish(SECONDS);
  const after = await spent();
  return after.map((cpu, place) => ((cpu - (before[place] ?? 0)) * 1_000) / (PER_SECOND * SECONDS));
}

/** An edge's tracer and what it does with events, here. */
interface Traced extends AsyncDisposable {
  microsOf(events: number, trace: string | undefined): number;
  exportedMicrosOf(events: number, trace: string): Promise<number>;
}

async function openTraced(): Promise<Traced> {
  const receiver = await listenHere(
    createServer((request, response) => void request.resume().on("end", () => response.end())),
  );
  const settings = z.object(tracingSettings).parse({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}`,
    OTEL_BSP_MAX_QUEUE_SIZE: "100000",
    SLUICE_TRACES_PER_SECOND: "1000000",
  });
  const open = (): ReturnType<typeof openTracer> =>
    openTracer("bench", settings, { registry: createMetricsRegistry(), log: createLogger("bench", "silent") });
  const tracer = await open();
  return {
    microsOf: (events, trace) => {
      const pass = passing(tracer, trace);
      return (medianCpuMs(ROUNDS, () => pass(events)) * 1_000) / events;
    },
    async exportedMicrosOf(events, trace) {
      const costs: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const one = await open();
        const before = process.cpuUsage();
        passing(one, trace)(events);
        await one[Symbol.asyncDispose]();
        const { user, system } = process.cpuUsage(before);
        costs.push((user + system) / events);
      }
      return costs.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
    },
    async [Symbol.asyncDispose]() {
      await tracer[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

/** Has events pass that are decided for one audience and written to one stream. */
function passing(tracer: Tracer, trace: string | undefined): (events: number) => void {
  const traces = new EventTraces(tracer, Date.now);
  const entry = {
    kind: "event" as const,
    position: { seq: 1, tag: "t" },
    topic: "push.event.bench",
    type: "push.event",
    payload: Buffer.alloc(200),
    storedAt: Date.now(),
    attributes: trace === undefined ? {} : { traceparent: trace },
    frames: undefined,
  };
  const log = { id: "demo", log: { epoch: "epoch" } };
  return (events) => {
    for (let event = 0; event < events; event += 1) {
      const way = traces.fed(log, entry);
      if (way === undefined) continue;
      way.decide()?.end("allowed", { "sluice.permission": "push:read", "sluice.grant.roles": ["viewer"] });
      const flush = way.flush();
      way.end();
      flush?.written(undefined);
      flush?.end();
    }
  };
}
