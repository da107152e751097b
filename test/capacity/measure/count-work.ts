import { setTimeout as delay } from "node:timers/promises";
import { account, type Cost, cpuMillis } from "../../bench/account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../../bench/load.ts";
import { openReaders, type Readers } from "../../bench/readers.ts";
import type { Bench } from "../../bench/scenario.ts";
import { readMetrics } from "#test/support/read-metric.ts";
import { stretchDuring } from "./stretch.ts";
import type { RunningService } from "#test/support/start-service.ts";

/** Readers of an edge, and the events that are published beside them. */
export interface Load {
  readonly readers: number;
  /** Whether all readers have one topic, each has its own, or events are for nobody. */
  readonly topics: "one" | "own" | "other";
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** What to make of a request for Server-Sent Events; that by default. */
  readonly requestOf?: (request: string) => string;
  /** What stands before the time in a payload, where it does not stand there as it is. */
  readonly mark?: string;
  /** How long to wait before and after the load, where that is not as long as it is best. */
  readonly rest?: { readonly settleMs: number; readonly endMs: number } | undefined;
}

/** What an edge did under a load, and what it took. */
export interface Counted extends Cost {
  /** Microseconds of the broker's processor time while events were published. */
  readonly brokerMicros: number;
  readonly seconds: number;
  readonly events: number;
  readonly flushes: number;
  readonly expected: number;
  /** How much longer than its processor time the edge's work took while events were published. */
  readonly stretch: number;
}

export const PAYLOAD_BYTES = 200;

/** A broker on a machine that others use, too, may acknowledge late. */
export const PATIENTLY = { timeout: 60_000 };

/** Puts an edge under a load, and counts what it does. */
export async function countWork(bench: Bench, edge: RunningService, load: Load): Promise<Counted> {
  const { stack, issuer, programs } = bench;
  const { pid } = edge.child.process;
  const producer = await stack.bus("demo");
  const requests = await streamRequests(issuer, BOB, load.readers, (index) => topicOf(load, index));
  const { requestOf = (request) => request, mark } = load;
  await using readers = await untilOpen(() =>
    openReaders(programs, edge.ports.http, requests.map(requestOf), load.readers, mark),
  );
  const flushesOf = async (): Promise<number> =>
    (await readMetrics(edge, ["sluice_stream_flush_events_count"]))[0] ?? 0;
  const events = load.ratePerSecond * load.seconds;
  const before = await flushesOf();
  let [brokerMillis, stretch] = [0, 1];
  const begin = performance.now();
  const { settleMs, endMs } = load.rest ?? { settleMs: 2_000, endMs: 1_000 };
  const work = async (): Promise<void> => {
    const brokerBefore = await cpuMillis(stack.nats.pid);
    stretch = await stretchDuring(pid, () =>
      atRate({ ratePerSecond: load.ratePerSecond, seconds: load.seconds }, (index) => {
        void producer.js.publish(subjectOf(load, index), payloadOf(PAYLOAD_BYTES), PATIENTLY);
      }),
    );
    brokerMillis = (await cpuMillis(stack.nats.pid)) - brokerBefore;
  };
  const cost = await account(pid, readers, work, { settleMs, endMs });
  const seconds = (performance.now() - begin - settleMs) / 1_000;
  const flushes = (await flushesOf()) - before;
  return {
    ...cost,
    brokerMicros: brokerMillis * 1_000,
    seconds,
    events,
    flushes,
    expected: expectedOf(load, events),
    stretch,
  };
}

const TRIES = 5;
const CALM_AFTER_MS = 6_000;

/** On a machine that others use, too, an edge may find itself overloaded, and refuses streams until it has been calm for a while. */
export async function untilOpen(open: () => Promise<Readers>): Promise<Readers> {
  for (let left = TRIES - 1; left > 0; left -= 1) {
    const readers = await open().catch(() => undefined);
    if (readers !== undefined) return readers;
    await delay(CALM_AFTER_MS);
  }
  return open();
}

/** A step that has no divisor in common with the counts visits every reader. */
const STEP = 7_919;

function topicOf({ topics }: Load, reader: number): string {
  return topics === "own" ? `push.event.reader-${reader}` : "push.event.bench";
}

function subjectOf({ topics, readers }: Load, event: number): string {
  if (topics === "one") return "events.demo.push.event.bench";
  return `events.demo.push.event.${topics === "own" ? `reader-${(event * STEP) % readers}` : "nobody"}`;
}

function expectedOf({ topics, readers }: Load, events: number): number {
  if (topics === "other") return 0;
  return topics === "one" ? events * readers : events;
}
