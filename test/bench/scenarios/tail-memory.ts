import { setTimeout as delay } from "node:timers/promises";
import { headers } from "@nats-io/transport-node";
import { waitFor } from "#test/support/wait.ts";
import { readMetric } from "#test/support/read-metric.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { residentKiB } from "../account.ts";
import { BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders, type Readers } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const TAIL_BYTES = 256 * 1024 * 1024;

/** Publishes under way at a time. */
const CONCURRENCY = 500;

const FORMATS = ["raw&events=message", "raw&events=named", "cloudevents&events=message", "cloudevents&events=named"];

interface Load {
  readonly name: string;
  readonly formats: number;
  readonly payloadBytes: number;
  readonly headerBytes: number;
  readonly events: number;
}

const LOADS: readonly Load[] = [
  { name: "200 bytes, one format", formats: 1, payloadBytes: 200, headerBytes: 0, events: 110_000 },
  { name: "200 bytes, four formats", formats: 4, payloadBytes: 200, headerBytes: 0, events: 50_000 },
  { name: "100 KB, four formats", formats: 4, payloadBytes: 100_000, headerBytes: 0, events: 1_200 },
  { name: "15 KB of headers, four formats", formats: 4, payloadBytes: 200, headerBytes: 15_000, events: 7_000 },
  { name: "60 KB of headers", formats: 1, payloadBytes: 200, headerBytes: 60_000, events: 7_000 },
];

/** What an edge really holds for a tail that is full. */
export const tailMemory: Scenario = {
  name: "tail-memory",
  about: `resident memory that a full tail adds, by STREAM_TAIL_BYTES (${TAIL_BYTES / 1024 / 1024} MiB)`,
  async run(bench) {
    const figures: Figure[] = [];
    for (const load of LOADS) figures.push(...(await fill(bench, load)));
    return figures;
  },
};

async function fill({ stack, issuer, programs, startEdge }: Bench, load: Load): Promise<Figure[]> {
  await using edge = await startEdge({ STREAM_TAIL_BYTES: String(TAIL_BYTES) });
  const { pid } = edge.child.process;
  const producer = await stack.bus("demo");
  const topicOf = (index: number): string => `push.>&format=${FORMATS[index % FORMATS.length]}`;
  const requests = await streamRequests(issuer, BOB, load.formats, topicOf);
  await using readers = await openReaders(programs, edge.ports.http, requests, load.formats);
  // The heap of a warm process is larger than that of a new one, whatever the tail holds.
  await publish(producer, { ...load, events: Math.ceil(load.events / 50) });
  await delay(2_000);
  const before = await residentKiB(pid);
  let peak = before;
  const watch = setInterval(() => void residentKiB(pid).then((size) => (peak = Math.max(peak, size))), 100);
  await publish(producer, load);
  await waitFor("everything is delivered", () => isDelivered(readers, load));
  await delay(3_000);
  clearInterval(watch);
  const after = await residentKiB(pid);
  const held =
    (await readMetric(edge, "nodejs_heap_size_used_bytes")) + (await readMetric(edge, "nodejs_external_memory_bytes"));
  const share = (kiB: number): number => ((kiB - before) * 1_024) / TAIL_BYTES;
  return [
    { name: `${load.name}, added`, value: share(after), unit: "×", goal: { atMost: 1.2 } },
    { name: `${load.name}, added at most`, value: share(peak), unit: "×" },
    { name: `${load.name}, heap and external`, value: held / 1_048_576, unit: "MiB" },
  ];
}

/** Poison is delivered to nobody. */
async function isDelivered(readers: Readers, { events, formats, headerBytes }: Load): Promise<boolean> {
  return headerBytes > 16_384 || (await readers.received()).events >= events * formats;
}

async function publish(producer: Bus, { events, payloadBytes, headerBytes }: Load): Promise<void> {
  const given = headers();
  if (headerBytes > 0) given.set("ce-note", "n".repeat(headerBytes));
  const payload = payloadOf(payloadBytes);
  for (let done = 0; done < events; done += CONCURRENCY) {
    const count = Math.min(CONCURRENCY, events - done);
    await Promise.all(
      Array.from({ length: count }, () =>
        producer.js.publish("events.demo.push.event.bench", payload, { headers: given }),
      ),
    );
  }
}
