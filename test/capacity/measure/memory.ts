import { setTimeout as delay } from "node:timers/promises";
import { COLLECTABLE } from "../../bench/collect-heap.ts";
import { openIdleStreams } from "../../bench/memory-by-road.ts";
import type { Bench } from "../../bench/scenario.ts";
import { threadMicros } from "../../bench/account.ts";
import type { Slopes } from "../slopes.ts";

type MemorySlopes = Pick<Slopes["edge"], "baseMiB" | "streamKiB" | "streamMicros">;

/** Each stream is written a comment in this time. */
const HEARTBEAT_MS = 15_000;

/** Measures what an edge holds for a stream of each road that nothing comes on, and what such streams take of its core. */
export async function measureMemory(bench: Bench, isQuick: boolean): Promise<MemorySlopes> {
  await using edge = await bench.startEdge(COLLECTABLE);
  await using streams = await openIdleStreams(bench, edge, isQuick ? 1_000 : 3_000);
  const windowMs = isQuick ? HEARTBEAT_MS / 3 : HEARTBEAT_MS;
  const { pid } = edge.child.process;
  const before = await threadMicros(pid);
  await delay(windowMs);
  const micros = (await threadMicros(pid)) - before;
  const { sse, ndjson, websocket } = streams.streamKiB;
  const atLeast0 = (kib: number): number => Math.max(0, kib);
  return {
    baseMiB: streams.baseKiB / 1_024,
    streamKiB: { sse: atLeast0(sse), ndjson: atLeast0(ndjson), websocket: atLeast0(websocket) },
    streamMicros: micros / (((await streams.open()) * windowMs) / 1_000),
  };
}
