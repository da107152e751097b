import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { readDeliveries, toPublication } from "../../../scripts/demo/to-publication.ts";
import type { Stack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Figure, Scenario } from "../scenario.ts";

/** How long events took from the call of publish until they were here, in milliseconds. */
interface Latency {
  readonly events: number;
  readonly p50: number;
  readonly p99: number;
}

/** What is measured, each side by side in one run. */
interface LatencyReport {
  /** A plain JetStream consumer of the same log: what the bus alone takes. */
  readonly bus: Latency;
  /** Event streams of a person, through the edge, policy on. */
  readonly stream: Latency;
}

const LOAD = { ratePerSecond: 100, seconds: 15 };

/** What the edge adds to the time that the bus takes. */
export const besideTheBus: Scenario = {
  name: "beside-the-bus",
  about: `publish → EventSource, ${LOAD.ratePerSecond} real webhook deliveries a second, beside a plain JetStream consumer`,
  async run({ stack }) {
    const figures: Figure[] = [];
    for (const readers of [1, 100]) {
      const { bus, stream } = await measureLatency(stack, { ...LOAD, readers });
      figures.push(
        ...latencyRows(`JetStream consumer beside ${readers}`, bus),
        ...latencyRows(`${readers} event stream${readers === 1 ? "" : "s"}`, stream),
        { name: `${readers}, by the bus, p50`, value: stream.p50 / bus.p50, unit: "×" },
      );
    }
    return figures;
  },
};

function latencyRows(name: string, { p50, p99 }: Latency): Figure[] {
  return [
    { name: `${name}, p50`, value: p50, unit: "ms" },
    { name: `${name}, p99`, value: p99, unit: "ms" },
  ];
}

/**
 * Publishes real webhook deliveries at a steady rate and measures how long each takes to a plain consumer of the bus, and to
 * `readers` event streams. Publisher and readers are one process, so that one clock measures.
 */
async function measureLatency(
  stack: Stack,
  { ratePerSecond, seconds, readers }: { ratePerSecond: number; seconds: number; readers: number },
): Promise<LatencyReport> {
  await using cleanup = new AsyncDisposableStack();
  const sentAt = new Map<string, number>();
  const bus: number[] = [];
  const stream: number[] = [];
  const { access_token: token } = await stack.login("carol");
  await consume(stack, cleanup, (id) => note(bus, sentAt, id));
  const opened = Array.from({ length: readers }, () =>
    openReader(`${stack.streamUrl}/v1/stream?topic=>`, token, cleanup, (id) => note(stream, sentAt, id)),
  );
  await Promise.all(opened);

  const producer = await stack.bus("demo");
  const publications = (await readDeliveries()).map(toPublication);
  const total = ratePerSecond * seconds;
  const begin = performance.now();
  for (let index = 0; index < total; index += 1) {
    const publication = publications[index % publications.length];
    if (publication === undefined) break;
    const id = `bench-${index}-`;
    sentAt.set(id, performance.now());
    void producer.js.publish(`events.demo.${publication.topic}`, `{"id":"${id}",${publication.payload.slice(1)}`);
    await delay(Math.max(0, begin + ((index + 1) * 1_000) / ratePerSecond - performance.now()));
  }
  await waitFor("every delivery", () => bus.length >= total && stream.length >= total * readers);
  return { bus: summarize(bus), stream: summarize(stream) };
}

function note(latencies: number[], sentAt: ReadonlyMap<string, number>, id: string): void {
  const sent = sentAt.get(id);
  if (sent !== undefined) latencies.push(performance.now() - sent);
}

async function consume(stack: Stack, cleanup: AsyncDisposableStack, onId: (id: string) => void): Promise<void> {
  const bus = await stack.bus("policy");
  const jsm = await bus.manager();
  const config = { ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.New, mem_storage: true };
  const info = await jsm.consumers.add("EVENTS_demo", config);
  const messages = await bus.js.consumers
    .getConsumerFromInfo(info)
    .consume({ callback: (message) => idsIn(message.string()).forEach(onId) });
  cleanup.defer(() => messages.close().then(() => undefined));
}

/** Opens a stream and answers once it is in force; looks at the raw text only, so that the reader costs little. */
function openReader(
  url: string,
  token: string,
  cleanup: AsyncDisposableStack,
  onId: (id: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const opened = request(url, { agent: false, headers: { authorization: `Bearer ${token}` } }, (response) => {
      let carry = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        const text = carry + chunk;
        if (text.includes("event: ready")) resolve();
        idsIn(text).forEach(onId);
        // An id may be torn between two chunks; one that was seen whole is not kept.
        carry = /\{"id":"[^"]*$|\{"?i?d?"?:?$/.exec(text)?.[0] ?? "";
      });
      response.on("error", () => {});
    });
    opened.on("error", reject).end();
    cleanup.defer(() => void opened.destroy());
  });
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/\{"id":"(bench-\d+-)"/g)].map(([, id]) => id ?? "");
}

function summarize(latencies: readonly number[]): Latency {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2));
  return { events: sorted.length, p50: at(0.5), p99: at(0.99) };
}
