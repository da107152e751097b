import { setTimeout as delay } from "node:timers/promises";
import { atRate, BOB, MALLORY, payloadOf, type Person, streamRequests } from "../load.ts";
import { longestStall } from "../longest-stall.ts";
import { memoryDisk } from "../memory-disk.ts";
import { openReaders, type Readers } from "../readers.ts";
import type { Figure, Scenario } from "../scenario.ts";
import { startNats } from "#test/support/start-nats.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { startStack } from "#test/support/start-stack.ts";

const QUIET = { readers: 200, ratePerSecond: 10, seconds: 6 };
/** Of 50 times the traffic, with four of five connections. */
const NOISY = { readers: 800, ratePerSecond: 500, seconds: 6 };
/** Whatever else the machine does disturbs some rounds: the middle one counts. */
const ROUNDS = 5;

/**
 * A tenant beside another one that has most of the traffic and of the connections: what the quiet one notices on the edge that
 * both share, and what it notices at the same time on an edge of its own, with which it shares the machine and the bus alone.
 */
export const noisyNeighbour: Scenario = {
  name: "noisy-neighbour",
  about: "200 readers of a tenant with 10 events/s, alone and beside a tenant with 800 readers and 500 events/s",
  async run({ issuer, programs }) {
    // The disk that both tenants' logs share is not what is measured.
    await using nats = await startNats(await memoryDisk());
    await using stack = await startStack({ nats, stream: { AUTH_JWKS_URL: issuer.jwksUri } });
    const [shared, own] = [stack.edge, await stack.startEdge()];
    const open = async ({ ports }: RunningService, person: Person, count: number): Promise<Readers> =>
      openReaders(programs, ports.http, await streamRequests(issuer, person, count, () => "push.>"), count);
    await using onShared = await open(shared, MALLORY, QUIET.readers);
    await using onOwn = await open(own, MALLORY, QUIET.readers);
    await using others = await open(shared, BOB, NOISY.readers);
    const [quiet, noisy] = [await stack.bus("rival"), await stack.bus("demo")];
    const publishQuiet = (): Promise<void> =>
      atRate(QUIET, () => void quiet.js.publish("events.rival.push.event.bench", payloadOf(200)));
    const publishNoisy = (): Promise<void> =>
      atRate(NOISY, () => void noisy.js.publish("events.demo.push.event.bench", payloadOf(200)));
    await Promise.all([publishQuiet(), publishNoisy()]);
    const rounds = { alone: [] as Round[], beside: [] as Round[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.alone.push(await measure(onShared, onOwn, shared, [publishQuiet]));
      rounds.beside.push(await measure(onShared, onOwn, shared, [publishQuiet, publishNoisy]));
    }
    if ((await others.received()).events === 0) throw new Error("the noisy tenant received nothing");
    return rowsOf(rounds.alone, rounds.beside);
  },
};

/** What the quiet tenant's readers saw, on the edge that is shared and on its own, and how long the shared loop was held up. */
interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly ownP99: number;
  readonly stallMs: number;
}

async function measure(
  onShared: Readers,
  onOwn: Readers,
  shared: RunningService,
  load: readonly (() => Promise<void>)[],
): Promise<Round> {
  await delay(1_000);
  await Promise.all([onShared.resetLatency(), onOwn.resetLatency(), longestStall(shared)]);
  await Promise.all(load.map((publish) => publish()));
  await delay(500);
  const [{ p50, p99 }, { p99: ownP99 }] = [await onShared.latency(), await onOwn.latency()];
  return { p50, p99, ownP99, stallMs: await longestStall(shared) };
}

function rowsOf(alone: readonly Round[], beside: readonly Round[]): Figure[] {
  const [p99Alone, p99Beside] = [middle(alone, "p99"), middle(beside, "p99")];
  const [ownAlone, ownBeside] = [middle(alone, "ownP99"), middle(beside, "ownP99")];
  return [
    { name: "p50 alone", value: middle(alone, "p50"), unit: "ms" },
    { name: "p50 beside the noisy one", value: middle(beside, "p50"), unit: "ms" },
    { name: "p99 alone", value: p99Alone, unit: "ms" },
    { name: "p99 beside the noisy one", value: p99Beside, unit: "ms" },
    { name: "p99 alone, on an edge of its own", value: ownAlone, unit: "ms" },
    { name: "p99 beside, on an edge of its own", value: ownBeside, unit: "ms" },
    { name: "p99 beside, by p99 alone", value: p99Beside / p99Alone, unit: "×", goal: { atMost: 1.5 } },
    { name: "of that the machine's: on an edge of its own", value: ownBeside / ownAlone, unit: "×" },
    { name: "of that the edge's: shared, by its own", value: p99Beside / ownBeside, unit: "×", goal: { atMost: 1.5 } },
    { name: "longest stall of the loop, beside", value: middle(beside, "stallMs"), unit: "ms", goal: { atMost: 50 } },
  ];
}

function middle(rounds: readonly Round[], of: keyof Round): number {
  return rounds.map((round) => round[of]).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
}
