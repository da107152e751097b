import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { cpuMillis, familyOf } from "../bench/account.ts";
import { BOB, payloadOf, streamRequests } from "../bench/load.ts";
import { openReaders } from "../bench/readers.ts";
import type { Bench } from "../bench/scenario.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";
import { countWork, PAYLOAD_BYTES, untilOpen } from "./measure/count-work.ts";
import { countFlushes } from "./flushes.ts";
import { openLog } from "./measure/open-log.ts";
import { loopShare, type Mix, workOf } from "./model.ts";
import type { Slopes } from "./slopes.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

/** What the model says, and what was. */
export interface Check {
  readonly name: string;
  readonly predicted: number;
  readonly measured: number;
  readonly unit: string;
}

const WORKERS = [2, 4] as const;
const READERS = 1_000;
const RATES = [50, 500] as const;
const SECONDS = 5;

/** So many events wait for an edge that stands still, each for one reader. */
const BACKLOG = 8_000;
const AT_A_TIME = 2_000;

/** A step that has no divisor in common with the readers visits every one. */
const STEP = 7_919;

/** Puts edges of two and of four workers under loads that no slope was measured with, and compares with the model. */
export async function* checkWorkers(bench: Bench, slopes: Slopes): AsyncGenerator<Check> {
  for (const workers of WORKERS) {
    await using edge = await bench.startEdge({ STREAM_WORKERS: String(workers) });
    // Just-in-time compilation is not what is measured.
    await countWork(bench, edge, { readers: READERS, topics: "one", ratePerSecond: 100, seconds: 3 });
    for (const rate of RATES) yield* await checkDeliveries(bench, slopes, edge, { workers, rate });
  }
  yield* checkSaturation(bench, slopes);
}

/** The flushes that there are, and what a delivery takes with these. */
async function checkDeliveries(
  bench: Bench,
  slopes: Slopes,
  edge: RunningService,
  { workers, rate }: { readonly workers: number; readonly rate: number },
): Promise<readonly Check[]> {
  const log = await openLog(bench);
  const first = (await log.lastSeq()) + 1;
  const load = { readers: READERS, topics: "one", ratePerSecond: rate, seconds: SECONDS } as const;
  const counted = await countWork(bench, edge, load);
  const times = await log.timesFrom(first);
  const predicted = countFlushes(slopes, { members: READERS / workers, times, stretch: counted.stretch });
  const flushes = counted.flushes / SECONDS / workers;
  const work = { ...workOf(slopes, oneAudience(rate), workers), flushes, writes: (flushes * READERS) / workers };
  const micros =
    workers *
    (loopShare(slopes, work, counted.stretch) * 1e6 * SECONDS + (counted.seconds - SECONDS) * slopes.edge.baseMicros);
  const name = `${workers} workers, ${rate} events/s to ${READERS}`;
  return [
    {
      name: `${name}: CPU of a delivery, with the flushes that there were`,
      predicted: micros / (rate * SECONDS * READERS),
      measured: counted.cpuMicros,
      unit: "µs",
    },
    {
      name: `${name}: flushes of a worker, which take ${counted.stretch.toFixed(1)} × their CPU`,
      predicted: predicted / SECONDS,
      measured: flushes,
      unit: "a second",
    },
  ];
}

/** One tenant, all of whose streams get every event, and live on. */
function oneAudience(rate: number): Mix {
  const streams = { streams: READERS, tenants: 1, reach: 1, lifeSeconds: Infinity };
  return { name: "check", ...streams, eventsPerSecond: rate, payloadBytes: PAYLOAD_BYTES, logMiB: 1_024 };
}

/** What an edge that catches up was measured with: events a second, and microseconds for each event. */
interface CatchUp {
  readonly perSecond: number;
  readonly edge: number;
  readonly broker: number;
  /** The readers and this process. */
  readonly load: number;
  /** Cores that others left to all of these. */
  readonly cores: number;
}

/**
 * With one worker it is seen what an event takes of it, of the broker and of the readers. More workers have one reader's event to write
 * together, and each of them reads it.
 */
async function* checkSaturation(bench: Bench, slopes: Slopes): AsyncGenerator<Check> {
  const alone = await catchUp(bench, 1);
  for (const workers of WORKERS) {
    const found = await catchUp(bench, workers);
    const ofEdge = alone.edge + (workers - 1) * slopes.edge.eventMicros;
    const micros = ofEdge + workers * alone.broker + alone.load;
    yield {
      name: `${workers} workers catch up, each event for one of ${READERS}`,
      predicted: (1e6 * Math.min(found.cores, workers + 2)) / micros,
      measured: found.perSecond,
      unit: "events/s",
    };
  }
}

async function catchUp(bench: Bench, workers: number): Promise<CatchUp> {
  await using edge = await bench.startEdge({ STREAM_WORKERS: String(workers) });
  const { pid } = edge.child.process;
  const producer = await bench.stack.bus("demo");
  const requests = await streamRequests(bench.issuer, BOB, READERS, (index) => `push.event.reader-${index}`);
  await using readers = await untilOpen(() => openReaders(bench.programs, edge.ports.http, requests, READERS));
  const publish = (first: number, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        producer.js.publish(
          `events.demo.push.event.reader-${((first + index) * STEP) % READERS}`,
          payloadOf(PAYLOAD_BYTES),
          { timeout: 60_000 },
        ),
      ),
    );
  await publish(0, AT_A_TIME);
  await waitFor("the first events", async () => (await readers.received()).events === AT_A_TIME, 60_000);
  const family = await familyOf(pid);
  for (const each of family) await freeze({ pid: each });
  for (let done = 0; done < BACKLOG; done += AT_A_TIME) await publish(done, AT_A_TIME);
  const spent = async () => {
    const [ofEdge = 0, broker = 0, all = 0] = await Promise.all(
      [pid, bench.stack.nats.pid, process.pid].map(cpuMillis),
    );
    return { edge: ofEdge, broker, all, machine: await busyMillis() };
  };
  const [before, begin] = [await spent(), performance.now()];
  for (const each of family) thaw({ pid: each });
  const events = AT_A_TIME + BACKLOG;
  await waitFor("all events", async () => (await readers.received()).events === events, 120_000);
  const ms = performance.now() - begin;
  const after = await spent();
  const all = after.all - before.all;
  const others = Math.max(0, after.machine - before.machine - all);
  const each = (millis: number): number => (millis * 1_000) / BACKLOG;
  const [ofEdge, broker] = [after.edge - before.edge, after.broker - before.broker];
  return {
    perSecond: (BACKLOG * 1_000) / ms,
    edge: each(ofEdge),
    broker: each(broker),
    load: each(all - ofEdge - broker),
    cores: cpus().length - others / ms,
  };
}

/** What all processes of this machine have taken so far, and what its host has taken from it, in milliseconds of cores. */
async function busyMillis(): Promise<number> {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    (await readFile("/proc/stat", "utf8")).split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
  return (user + nice + system + irq + softirq + steal) * 10;
}
