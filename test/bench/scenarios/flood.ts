import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cpuMillis } from "#test/support/read-metric.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

/** One subject's streams: the last twentieth of the places is not for them. */
const STREAMS = 500;
const REFUSED = 10_000;
const WAITING = 5_000;
const LOAD = { ratePerSecond: 50, seconds: 5 };

/** Twice as many as an edge may hold, and more: what refusing them costs, and whether those who wait come in. */
export const flood: Scenario = {
  name: "flood",
  about: `${REFUSED} requests at an edge that is full, and ${WAITING} clients that wait until it is not`,
  run: async (bench) => [...(await measureRefusals(bench)), await measureReturn(bench)],
};

/** With so many places just this many streams are taken that nobody needs first. */
function placesFor(streams: number): number {
  let places = streams;
  while (places - Math.floor(places * 0.05) < streams) places += 1;
  return places;
}

/** What a refusal costs the edge, and what those who have a stream notice of so many. */
async function measureRefusals({ stack, issuer, programs, startEdge }: Bench): Promise<Figure[]> {
  await using edge = await startEdge({ STREAM_MAX_CONNECTIONS: String(placesFor(STREAMS)), STREAM_POOLS: "none" });
  const producer = await stack.bus("demo");
  const publish = (): void => void producer.js.publish("events.demo.push.event.bench", payloadOf(512));
  const requests = await streamRequests(issuer, BOB, STREAMS, () => "push.>");
  await using readers = await openReaders(programs, edge.ports.http, requests, STREAMS);
  await atRate(LOAD, publish);
  await readers.resetLatency();
  const quietFrom = await cpuMillis(edge);
  await atRate(LOAD, publish);
  const quietMs = (await cpuMillis(edge)) - quietFrom;
  const quiet = await readers.latency();
  await readers.resetLatency();
  const file = join(programs.folder, `flood-${edge.ports.http}`);
  await writeFile(file, requests.join(""));
  await using flooding = programs.start("readers", [String(edge.ports.http), file]);
  const from = await cpuMillis(edge);
  const published = atRate(LOAD, publish);
  const { refused, ms } = await flooding.ask<{ refused: number; ms: number }>(`open ${REFUSED}`);
  const spentMs =
    (await cpuMillis(edge)) - from - (quietMs * Math.min(ms, LOAD.seconds * 1_000)) / (LOAD.seconds * 1_000);
  await published;
  const flooded = await readers.latency();
  if (refused !== REFUSED) throw new Error(`${refused} of ${REFUSED} were refused`);
  return [
    { name: "CPU for each refusal, accept included", value: (spentMs * 1_000) / refused, unit: "µs" },
    { name: "refused in a second", value: (refused * 1_000) / ms, unit: "/s" },
    { name: "p99 of open streams before", value: quiet.p99, unit: "ms" },
    { name: "p99 of open streams meanwhile", value: flooded.p99, unit: "ms" },
  ];
}

/** Clients that do what a native EventSource does: after a 200 that ends they come back when `retry:` says. */
async function measureReturn({ issuer, programs, startEdge }: Bench): Promise<Figure> {
  await using edge = await startEdge({
    STREAM_MAX_CONNECTIONS: String(placesFor(WAITING + 500)),
    STREAM_POOLS: "none",
  });
  const holders = WAITING + 500;
  const requests = await streamRequests(issuer, BOB, holders, () => "push.>");
  const readers = await openReaders(programs, edge.ports.http, requests, holders);
  const clients = requests.slice(0, WAITING).map((request) => comeIn(edge, request));
  await delay(10_000);
  await readers[Symbol.asyncDispose]();
  const endedAt = performance.now();
  const arrivals = await Promise.all(clients);
  const last = Math.max(...arrivals) - endedAt;
  return { name: `until the last of ${WAITING} was in`, value: last / 1_000, unit: "s", goal: { atMost: 60 } };
}

/** Tries until the stream is there, and answers when that was. */
async function comeIn(edge: RunningService, request: string): Promise<number> {
  for (;;) {
    const retryMs = await tryOnce(edge.ports.http, request);
    if (retryMs === undefined) return performance.now();
    await delay(retryMs);
  }
}

/** Undefined once the stream is ready, which it then keeps; else how long the client is to wait. */
async function tryOnce(port: number, request: string): Promise<number | undefined> {
  const socket = connect(port, "127.0.0.1", () => socket.write(request)).on("error", () => undefined);
  socket.unref();
  let text = "";
  const ready = new Promise<undefined>((resolve) => {
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("event: ready")) resolve(undefined);
    });
  });
  const closed = once(socket, "close").then(() => {
    const [, retry] = /^retry: (\d+)$/m.exec(text) ?? [];
    // A connection that broke off before an answer is tried again after a browser's own 3 s.
    if (text === "") return 3_000;
    if (!text.startsWith("HTTP/1.1 200") || retry === undefined) throw new Error(`a client is lost for good: ${text}`);
    return Number(retry);
  });
  return Promise.race([ready, closed]);
}
