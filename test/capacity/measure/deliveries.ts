import { setTimeout as delay } from "node:timers/promises";
import { account, cpuMillis } from "../../bench/account.ts";
import { atRate, BOB, payloadOf, streamRequests } from "../../bench/load.ts";
import { openPollers } from "../../bench/pollers.ts";
import { openReaders } from "../../bench/readers.ts";
import { ROADS } from "../../bench/roads.ts";
import type { Bench } from "../../bench/scenario.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";
import { fitCosts, type Sample } from "../fit.ts";
import type { Slopes } from "../slopes.ts";
import { type Counted, countWork, type Load, PATIENTLY, PAYLOAD_BYTES } from "./count-work.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

/** The slopes of delivering. */
export type DeliverySlopes = Pick<
  Slopes["edge"],
  "baseMicros" | "wakeMicros" | "eventMicros" | "flushMicros" | "writeMicros" | "deliveryMicros" | "pollMicros"
> & {
  /** An event that the broker gives to one consumer. */
  readonly brokerMicros: number;
};

/** So many events wait for an edge that stands still: none of them finds its loop asleep. The broker's disk takes its time for each. */
const BACKLOG = { warmUp: 2_000, whole: 8_000, quick: 3_000 };

const AT_A_TIME = 1_000;

const POLLERS = 50;

const QUICK = { seconds: 2, rest: { settleMs: 500, endMs: 300 } };

const ONE_ROAD = { readers: 500, topics: "one", ratePerSecond: 50 } as const;

/** Loads in which the things that cost something have different shares. */
function loadsOf(isQuick: boolean): readonly Load[] {
  const times = isQuick ? QUICK : { seconds: 5, rest: undefined };
  const rate = 500;
  const all: readonly Load[] = [
    { readers: 1, topics: "other", ratePerSecond: 1, ...times },
    { readers: 1, topics: "other", ratePerSecond: rate, ...times },
    { readers: rate, topics: "own", ratePerSecond: rate, ...times },
    { readers: 1, topics: "one", ratePerSecond: rate, ...times },
    { readers: 1_000, topics: "one", ratePerSecond: 50, ...times },
    { readers: 1_000, topics: "one", ratePerSecond: rate, ...times },
  ];
  if (isQuick) return all;
  return [
    ...all,
    { readers: 100, topics: "one", ratePerSecond: 50, ...times },
    { readers: 100, topics: "one", ratePerSecond: rate, ...times },
  ];
}

/** Measures what delivering takes, by event, flush, write and road, on one edge. */
export async function measureDeliveries(bench: Bench, isQuick: boolean): Promise<DeliverySlopes> {
  await using edge = await bench.startEdge(MANY_POLLS);
  // Just-in-time compilation is not what is measured.
  await countWork(bench, edge, { ...ONE_ROAD, ratePerSecond: 200, seconds: 3, rest: QUICK.rest });
  const loads = loadsOf(isQuick);
  const samples: Sample[] = [];
  const given: Sample[] = [];
  for (const load of loads) {
    const counted = await countWork(bench, edge, load);
    bench.say(`  ${describe(load)}: ${((1_000 * counted.cpuSeconds) / counted.seconds).toFixed(0)} ms of CPU a second`);
    samples.push(sampleOf(load, counted));
    given.push({ counts: [load.seconds, counted.events], cost: counted.brokerMicros });
  }
  await catchUp(bench, edge, BACKLOG.warmUp);
  samples.push(await catchUp(bench, edge, isQuick ? BACKLOG.quick : BACKLOG.whole));
  const [base = 0, wake = 0, event = 0, flush = 0, write = 0, delivery = 0] = fitCosts(samples);
  const byRoad = { sse: write, ndjson: write, websocket: write };
  for (const { name, requestOf, mark } of ROADS) {
    if (name === "sse") continue;
    const load: Load = { ...ONE_ROAD, ...(isQuick ? QUICK : { seconds: 5 }), requestOf, mark };
    const counted = await countWork(bench, edge, load);
    const { counts, cost } = sampleOf(load, counted);
    const rest = [base, wake, event, flush, 0, delivery].reduce(
      (sum, each, thing) => sum + each * (counts[thing] ?? 0),
      0,
    );
    byRoad[name] = Math.max(0, cost - rest) / (counts[4] ?? 1);
  }
  const known = { base, wake, event };
  return {
    baseMicros: base,
    wakeMicros: wake,
    eventMicros: event,
    flushMicros: flush,
    writeMicros: byRoad,
    deliveryMicros: delivery,
    pollMicros: await pollMicros(bench, edge, known, isQuick ? 2 : 5),
    brokerMicros: fitCosts(given)[1] ?? 0,
  };
}

const MANY_POLLS = {
  STREAM_POLLS_PER_SUBJECT_PER_MINUTE: "1000000",
  STREAM_POLLS_PER_ADDRESS_PER_MINUTE: "1000000",
};

function describe({ readers, topics, ratePerSecond }: Load): string {
  const whom = { one: "each", own: "one each", other: "none" }[topics];
  return `${ratePerSecond} events/s, ${readers} readers, for ${whom}`;
}

/** Seconds, events that woke the loop, events, flushes, writes, events in writes. */
function sampleOf(
  { readers, topics }: Load,
  { seconds, events, flushes, delivered, load, cpuSeconds }: Counted,
): Sample {
  const writes = topics === "one" ? flushes * readers : flushes;
  return { counts: [seconds, events * (1 - load), events, flushes, writes, delivered], cost: cpuSeconds * 1e6 };
}

/** Lets an edge stand still while events for nobody are stored, and counts what reading all of them takes. */
async function catchUp(bench: Bench, edge: RunningService, backlog: number): Promise<Sample> {
  const { pid = 0 } = edge.child.process;
  const producer = await bench.stack.bus("demo");
  const [request = ""] = await streamRequests(bench.issuer, BOB, 1, () => "push.event.last");
  await using readers = await openReaders(bench.programs, edge.ports.http, [request], 1);
  await freeze({ pid });
  for (let done = 0; done < backlog; done += AT_A_TIME) {
    const publish = (): Promise<unknown> =>
      producer.js.publish("events.demo.push.event.nobody", payloadOf(PAYLOAD_BYTES), { timeout: 60_000 });
    await Promise.all(Array.from({ length: AT_A_TIME }, publish));
  }
  await producer.publish("events.demo.push.event.last", payloadOf(PAYLOAD_BYTES));
  const [before, begin] = [await cpuMillis(pid), performance.now()];
  thaw({ pid });
  await waitFor("the last event", async () => (await readers.received()).events === 1, 60_000);
  const seconds = (performance.now() - begin) / 1_000;
  return { counts: [seconds, 0, backlog, 1, 1, 1], cost: ((await cpuMillis(pid)) - before) * 1_000 };
}

/** What one answer of a poll takes, beside what reading the events takes. */
async function pollMicros(
  { stack, issuer }: Bench,
  edge: RunningService,
  known: { readonly base: number; readonly wake: number; readonly event: number },
  seconds: number,
): Promise<number> {
  const producer = await stack.bus("demo");
  const requests = await streamRequests(issuer, BOB, POLLERS, () => "push.>");
  const tokens = requests.map((request) => /Bearer (?<token>\S+)/.exec(request)?.groups?.["token"] ?? "");
  await using pollers = await openPollers(edge.ports.http, tokens, "topic=push.>&wait=25");
  await delay(500);
  const before = pollers.answers();
  const events = ONE_ROAD.ratePerSecond * seconds;
  const { cpuSeconds, load } = await account(edge.child.process.pid, pollers, () =>
    atRate({ ratePerSecond: ONE_ROAD.ratePerSecond, seconds }, () => {
      void producer.js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES), PATIENTLY);
    }),
  );
  const rest = seconds * known.base + events * (known.event + (1 - load) * known.wake);
  return Math.max(0, cpuSeconds * 1e6 - rest) / (pollers.answers() - before);
}
