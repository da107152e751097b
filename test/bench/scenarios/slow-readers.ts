import { readFile } from "node:fs/promises";
import { residentKiB } from "../account.ts";
import { atRate, BOB, payloadOf, streamRequest, streamRequests } from "../load.ts";
import { quantile } from "../quantile.ts";
import { openReaders, type Readers } from "../readers.ts";
import type { Bench, Figure, Scenario } from "../scenario.ts";

const READERS = 800;
const PAUSED = 200;
const PER_SECOND = 25;
const PAYLOAD_BYTES = 20_000;
/** In so many seconds comes more for each reader than the largest buffers of a kernel (4 MB in Linux as it comes) take. */
const FILLING_SECONDS = 10;
const SECONDS = 4;
/** Whatever else the machine does disturbs some rounds: the middle one counts. */
const ROUNDS = 3;

/** Readers that take nothing, among others: what the others notice, what is held for these, and the same of a bare loop. */
export const slowReaders: Scenario = {
  name: "slow-readers",
  about: "800 readers of 20 KB events, with and without 200 more that read nothing; and of a bare loop in C",
  async run(bench) {
    const ours = await measureEdge(bench);
    const bare = await measureBareLoop(bench);
    return [
      { name: "p99 without", value: middle(ours, "without"), unit: "ms" },
      { name: "p99 while the kernel takes what is not read", value: middle(ours, "filling"), unit: "ms" },
      { name: "p99 once it takes no more", value: middle(ours, "full"), unit: "ms" },
      { ...ratio("by p99 without, while it takes", ours, "filling"), goal: { atMost: 1.5 } },
      { ...ratio("by p99 without, once it takes no more", ours, "full"), goal: { atMost: 1.5 } },
      ratio("a bare loop's, while it takes", bare, "filling"),
      ratio("a bare loop's, once it takes no more", bare, "full"),
      { name: "held for each in our process", value: middle(ours, "heldKiB"), unit: "KiB", goal: { atMost: 512 } },
      { name: "held for each in the kernel", value: middle(ours, "kernelKiB"), unit: "KiB" },
    ];
  },
};

/** The p99 of the readers that read, in milliseconds, and what was held for each that did not. */
interface Round {
  readonly without: number;
  readonly filling: number;
  readonly full: number;
  readonly heldKiB: number;
  readonly kernelKiB: number;
}

/** A server of event streams under load. */
interface Server {
  readonly pid: number | undefined;
  open(count: number): Promise<Readers>;
  publish(seconds: number): Promise<unknown>;
}

async function measureEdge({ stack, issuer, programs, startEdge }: Bench): Promise<readonly Round[]> {
  await using edge = await startEdge();
  const { js } = await stack.bus("demo");
  const publish = (): void => void js.publish("events.demo.push.event.bench", payloadOf(PAYLOAD_BYTES));
  // Awaited here: the server must outlive what is measured.
  return await measure({
    pid: edge.child.process.pid,
    open: async (count) =>
      openReaders(programs, edge.ports.http, await streamRequests(issuer, BOB, count, () => "push.>"), count),
    publish: (seconds) => atRate({ ratePerSecond: PER_SECOND, seconds }, publish),
  });
}

async function measureBareLoop({ programs }: Bench): Promise<readonly Round[]> {
  await using loop = programs.start("write-loop");
  const { port } = await loop.hear<{ port: number }>();
  return await measure({
    pid: loop.pid,
    open: (count) => openReaders(programs, port, [streamRequest("/")], count),
    publish: (seconds) => loop.ask(`publish ${PER_SECOND} ${seconds} ${PAYLOAD_BYTES}`),
  });
}

async function measure(server: Server): Promise<readonly Round[]> {
  await using readers = await server.open(READERS);
  const latency = async (seconds: number): Promise<number> => {
    await readers.resetLatency();
    await server.publish(seconds);
    return (await readers.latency()).p99;
  };
  await server.publish(2);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const without = await latency(SECONDS);
    await using slow = await server.open(PAUSED);
    await server.publish(1);
    await slow.pause(0, PAUSED);
    const [residentBefore, kernelBefore] = [await residentKiB(server.pid), await kernelKiB()];
    const [filling, full] = [await latency(FILLING_SECONDS), await latency(SECONDS)];
    const heldKiB = ((await residentKiB(server.pid)) - residentBefore) / PAUSED;
    rounds.push({ without, filling, full, heldKiB, kernelKiB: ((await kernelKiB()) - kernelBefore) / PAUSED });
  }
  return rounds;
}

/** What the kernel holds in all TCP sockets of this machine, in KiB: Linux counts pages. */
async function kernelKiB(): Promise<number> {
  const text = await readFile("/proc/net/sockstat", "utf8").catch(() => "");
  return 4 * Number(/^TCP: .* mem (\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

function ratio(name: string, rounds: readonly Round[], of: "filling" | "full"): Figure {
  return { name, value: middle(rounds, of) / middle(rounds, "without"), unit: "×" };
}

function middle(rounds: readonly Round[], of: keyof Round): number {
  return quantile(
    rounds.map((round) => round[of]),
    0.5,
  );
}
