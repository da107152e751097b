import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Readers } from "./readers.ts";
import type { Figure } from "./scenario.ts";

/** What serving cost. */
export interface Cost {
  readonly delivered: number;
  /** CPU of the serving process for each delivered event, in microseconds, by the kernel's accounting. */
  readonly cpuMicros: number;
  /** The share of one core that the process had. */
  readonly load: number;
  /** All of it, in seconds. */
  readonly cpuSeconds: number;
}

/** How long to wait before the first look, and after the work, in milliseconds. */
const REST = { settleMs: 2_000, endMs: 1_000 };

/** Runs `work` and says what it cost the process `pid` (and its children) to deliver what `readers` received. */
export async function account(
  pid: number | undefined,
  readers: Pick<Readers, "received">,
  work: () => Promise<unknown>,
  { settleMs, endMs } = REST,
): Promise<Cost> {
  // What opening the streams has left to do must not be counted.
  await delay(settleMs);
  const [cpuBefore, { events: before }, begin] = [await cpuMillis(pid), await readers.received(), performance.now()];
  await work();
  const elapsed = performance.now() - begin;
  await delay(endMs);
  const cpu = (await cpuMillis(pid)) - cpuBefore;
  const delivered = (await readers.received()).events - before;
  return { delivered, cpuMicros: (cpu * 1_000) / delivered, load: cpu / elapsed, cpuSeconds: cpu / 1_000 };
}

/** What to tell of a cost: where not every event arrived, what the rest cost says little. */
export function costRows(name: string, { delivered, cpuMicros, load }: Cost, expected: number): Figure[] {
  return [
    { name: `${name}, CPU for each delivery`, value: cpuMicros, unit: "µs" },
    { name: `${name}, of one core`, value: load * 100, unit: "%" },
    { name: `${name}, delivered`, value: (delivered / expected) * 100, unit: "%" },
  ];
}

/** User and system time so far of a process and its children, in milliseconds; the kernel counts in hundredths of a second. */
export async function cpuMillis(pid: number | undefined): Promise<number> {
  const times = (await familyOf(pid)).map(async (each) => {
    const fields = (await readFile(`/proc/${each}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  });
  return sum(await Promise.all(times));
}

/** Time so far of the threads of a process and its children that live, in microseconds: exact where nothing much happens. */
export async function threadMicros(pid: number | undefined): Promise<number> {
  const times = (await familyOf(pid)).map(async (each) => {
    const threads = await readdir(`/proc/${each}/task`);
    const read = async (thread: string): Promise<number> => {
      const text = await readFile(`/proc/${each}/task/${thread}/schedstat`, "utf8").catch(() => "0");
      return Number(text.split(" ")[0]) / 1_000;
    };
    return sum(await Promise.all(threads.map(read)));
  });
  return sum(await Promise.all(times));
}

/** Resident memory of a process and its children, in KiB. */
export async function residentKiB(pid: number | undefined): Promise<number> {
  const sizes = (await familyOf(pid)).map(async (each) =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${each}/status`, "utf8"))?.[1]),
  );
  return sum(await Promise.all(sizes));
}

/** The process and all below it. */
export async function familyOf(pid: number | undefined): Promise<number[]> {
  if (pid === undefined) return [];
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const below = await Promise.all(children.trim().split(/\s+/).filter(Boolean).map(Number).map(familyOf));
  return [pid, ...below.flat()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
