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

/** A tenant beside another one that has most of the traffic and of the connections: what the quiet one notices. */
export const noisyNeighbour: Scenario = {
  name: "noisy-neighbour",
  about: "200 readers of a tenant with 10 events/s, alone and beside a tenant with 800 readers and 500 events/s",
  async run({ issuer, programs }) {
    // The disk that both tenants' logs share is not what is measured.
    await using nats = await startNats(await memoryDisk());
    await using stack = await startStack({ nats, stream: { AUTH_JWKS_URL: issuer.jwksUri } });
    const { edge } = stack;
    const { http } = edge.ports;
    const requestsOf = (person: Person, count: number): Promise<string[]> =>
      streamRequests(issuer, person, count, () => "push.>");
    await using readers = await openReaders(programs, http, await requestsOf(MALLORY, QUIET.readers), QUIET.readers);
    await using others = await openReaders(programs, http, await requestsOf(BOB, NOISY.readers), NOISY.readers);
    const [quiet, noisy] = [await stack.bus("rival"), await stack.bus("demo")];
    const publishQuiet = (): Promise<void> =>
      atRate(QUIET, () => void quiet.js.publish("events.rival.push.event.bench", payloadOf(200)));
    const publishNoisy = (): Promise<void> =>
      atRate(NOISY, () => void noisy.js.publish("events.demo.push.event.bench", payloadOf(200)));
    await Promise.all([publishQuiet(), publishNoisy()]);
    const rounds = { alone: [] as Round[], beside: [] as Round[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.alone.push(await measure(readers, edge, [publishQuiet]));
      rounds.beside.push(await measure(readers, edge, [publishQuiet, publishNoisy]));
    }
    if ((await others.received()).events === 0) throw new Error("the noisy tenant received nothing");
    return rowsOf(rounds.alone, rounds.beside);
  },
};

/** What the quiet tenant's readers saw, and how long the loop was held up. */
interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly stallMs: number;
}

async function measure(readers: Readers, edge: RunningService, load: readonly (() => Promise<void>)[]): Promise<Round> {
  await delay(1_000);
  await readers.resetLatency();
  await longestStall(edge);
  await Promise.all(load.map((publish) => publish()));
  await delay(500);
  return { ...(await readers.latency()), stallMs: await longestStall(edge) };
}

function rowsOf(alone: readonly Round[], beside: readonly Round[]): Figure[] {
  const [p99Alone, p99Beside] = [middle(alone, "p99"), middle(beside, "p99")];
  return [
    { name: "p50 alone", value: middle(alone, "p50"), unit: "ms" },
    { name: "p50 beside the noisy one", value: middle(beside, "p50"), unit: "ms" },
    { name: "p99 alone", value: p99Alone, unit: "ms" },
    { name: "p99 beside the noisy one", value: p99Beside, unit: "ms" },
    { name: "p99 beside, by p99 alone", value: p99Beside / p99Alone, unit: "×", goal: { atMost: 1.5 } },
    { name: "longest stall of the loop, beside", value: middle(beside, "stallMs"), unit: "ms", goal: { atMost: 50 } },
  ];
}

function middle(rounds: readonly Round[], of: keyof Round): number {
  return rounds.map((round) => round[of]).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
}
