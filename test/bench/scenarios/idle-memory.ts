import { setTimeout as delay } from "node:timers/promises";
import { residentKiB } from "../account.ts";
import { BOB, streamRequests } from "../load.ts";
import { openReaders } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

/** Streams of one kind, on an edge of their own. */
interface IdleStreams {
  readonly name: string;
  readonly connections: number;
  /** The topics of each, as a query goes on after `topic=`. */
  readonly topicsOf: (stream: number) => string;
  /** In KiB for each stream. */
  readonly atMost: number;
}

/** Opened and closed first: the code that they compile is no stream's share. */
const WARM_UP = 500;

const MAX_TOPICS = 100;

const KINDS: readonly IdleStreams[] = [
  // With 20 000 descriptors one person has places for 13 500 or so.
  { name: "one topic", connections: 13_000, topicsOf: () => "push.>", atMost: 12 },
  // Enough of them to tell one stream's share.
  { name: `${MAX_TOPICS} topics of its own`, connections: 8_000, topicsOf: deepTopics, atMost: 24 },
];

/**
 * A process comes to rest in this time. V8 gives back what its heap does not need 100 to 110 s after the last full collection, and
 * opening the streams may leave one to be made 15 s later.
 */
const REST_MS = 140_000;

/** What a process holds for streams on which nothing happens, of as many people, with all of their rights. */
export const idleMemory: Scenario = {
  name: "idle-memory",
  about: `resident memory of idle authenticated streams on one process, with one topic and with ${MAX_TOPICS}`,
  async run(bench) {
    const figures: Figure[] = [];
    for (const kind of KINDS) figures.push(...(await measure(bench, kind)));
    return figures;
  },
};

/** Topics of 8 tokens that have no more in common than their event type. */
function deepTopics(stream: number): string {
  const topics = Array.from(
    { length: MAX_TOPICS },
    (_, index) => `push.event.${stream}-${index}.eu.shop.order.line.item`,
  );
  return topics.join("&topic=");
}

/** What a process that is warm holds with all streams beyond what it held without them, both times at rest. */
async function measure(
  { issuer, programs, startEdge }: Bench,
  { name, connections, topicsOf, atMost }: IdleStreams,
): Promise<readonly Figure[]> {
  await using edge = await startEdge();
  const { pid } = edge.child.process;
  const requestsOf = (count: number): Promise<string[]> => streamRequests(issuer, BOB, count, topicsOf);
  await (await openReaders(programs, edge.ports.http, await requestsOf(WARM_UP), WARM_UP))[Symbol.asyncDispose]();
  await delay(REST_MS);
  const before = await residentKiB(pid);
  await using readers = await openReaders(programs, edge.ports.http, await requestsOf(connections), connections);
  const opened = await residentKiB(pid);
  await delay(REST_MS);
  const after = await residentKiB(pid);
  const open = connections - (await readers.received()).closed;
  return [
    { name: `${name}: resident for each stream`, value: (after - before) / open, unit: "KiB", goal: { atMost } },
    { name: `${name}: right after all were opened`, value: (opened - before) / connections, unit: "KiB" },
    { name: `${name}: streams open`, value: open, unit: "" },
    { name: `${name}: resident before`, value: before / 1_024, unit: "MiB" },
    { name: `${name}: resident at rest`, value: after / 1_024, unit: "MiB" },
  ];
}
