import { setTimeout as delay } from "node:timers/promises";
import { residentKiB } from "../account.ts";
import { BOB, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

/** As many as one process holds with 20 000 descriptors. */
const CONNECTIONS = 19_000;

/** Enough of them to tell one stream's share. */
const WIDE_CONNECTIONS = 8_000;

/** Opened and closed first: the code that they compile is no stream's share. */
const WARM_UP = 500;

const MAX_TOPICS = 100;

/** Long enough for what opening the streams left behind to be collected, as it is in a process at rest. */
const SETTLE_MS = 25_000;

/** What a process holds for streams on which nothing happens, of as many people, with all of their rights. */
export const idleMemory: Scenario = {
  name: "idle-memory",
  about: `resident memory of idle authenticated streams on one process, with one topic and with ${MAX_TOPICS}`,
  async run(bench) {
    return [
      ...(await measure(bench, "one topic", CONNECTIONS, () => "push.>", 12)),
      ...(await measure(bench, `${MAX_TOPICS} topics of its own`, WIDE_CONNECTIONS, deepTopics, 24)),
    ];
  },
};

/** Topics of 8 tokens that have no more in common than their event type, as a query goes on after `topic=`. */
function deepTopics(stream: number): string {
  const topics = Array.from(
    { length: MAX_TOPICS },
    (_, index) => `push.event.${stream}-${index}.eu.shop.order.line.item`,
  );
  return topics.join("&topic=");
}

async function measure(
  { issuer, programs, startEdge }: Bench,
  name: string,
  connections: number,
  topicsOf: (stream: number) => string,
  atMost: number,
): Promise<readonly Figure[]> {
  await using edge = await startEdge();
  const { pid } = edge.child.process;
  const requests = await streamRequests(issuer, BOB, connections, topicsOf);
  await (await openReaders(programs, edge.ports.http, requests.slice(0, WARM_UP), WARM_UP))[Symbol.asyncDispose]();
  await delay(SETTLE_MS / 5);
  const before = await residentKiB(pid);
  await using readers = await openReaders(programs, edge.ports.http, requests, connections);
  await delay(SETTLE_MS);
  const open = connections - (await readers.received()).closed;
  const after = await residentKiB(pid);
  return [
    { name: `${name}: resident for each stream`, value: (after - before) / open, unit: "KiB", goal: { atMost } },
    { name: `${name}: streams open`, value: open, unit: "" },
    { name: `${name}: resident before`, value: before / 1_024, unit: "MiB" },
    { name: `${name}: opened`, value: connections / (readers.openedInMs / 1_000), unit: "/s" },
  ];
}
