import type { Contender } from "../peers/contender.ts";
import { cpuMillis } from "../account.ts";

/** CPU so far, in milliseconds: of the process that holds the streams, and of all that serve. */
export interface Cpu {
  readonly streams: number;
  readonly all: number;
}

/** What serving took during `work`. */
export async function cpuDuring(contender: Contender, work: () => Promise<unknown>): Promise<Cpu> {
  const before = await cpuOf(contender);
  await work();
  const after = await cpuOf(contender);
  return { streams: after.streams - before.streams, all: after.all - before.all };
}

async function cpuOf({ pid, pidsBehind }: Contender): Promise<Cpu> {
  const [streams = 0, ...behind] = await Promise.all([pid, ...pidsBehind].map(cpuMillis));
  return { streams, all: behind.reduce((sum, each) => sum + each, streams) };
}
