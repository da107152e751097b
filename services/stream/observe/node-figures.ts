import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { EdgeNode } from "#shared/contract/edge-questions.ts";
import { VERSION } from "#shared/lifecycle/version.ts";

/** How often the loop's delay is measured; a hundredth of what it costs at 1 ms. */
const RESOLUTION_MS = 20;

/** Loop delay and CPU are those of the last span of this length. */
const SPAN_MS = 5_000;

const NANOSECONDS = 1e6;
const MICROSECONDS = 1e3;

/** What a process says of itself, whatever it serves. */
export type NodeFigures = Pick<
  EdgeNode,
  "version" | "host" | "pid" | "upForSeconds" | "loopDelayP99Ms" | "heapBytes" | "rssBytes" | "cpuShare"
>;

/** Measures this process until it is disposed; reading changes nothing. `now` is the monotonic time in milliseconds. */
export function startNodeFigures(now: () => number): Disposable & { readonly read: () => NodeFigures } {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const startedAt = now();
  let [since, used, loopDelayP99Ms, cpuShare] = [startedAt, process.cpuUsage(), 0, 0];
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(used);
    const at = now();
    // A measurement takes `RESOLUTION_MS` when nothing is late.
    loopDelayP99Ms = delays.count === 0 ? 0 : Math.max(0, delays.percentile(99) / NANOSECONDS - RESOLUTION_MS);
    cpuShare = (user + system) / MICROSECONDS / Math.max(1, at - since);
    [since, used] = [at, process.cpuUsage()];
    delays.reset();
  }, SPAN_MS);
  return {
    read: () => ({
      version: VERSION,
      host: hostname().slice(0, 256),
      pid: process.pid,
      upForSeconds: Math.round((now() - startedAt) / 1_000),
      loopDelayP99Ms: round(loopDelayP99Ms),
      heapBytes: process.memoryUsage().heapUsed,
      rssBytes: process.memoryUsage.rss(),
      cpuShare: round(cpuShare),
    }),
    [Symbol.dispose]() {
      clearInterval(timer);
      delays.disable();
    },
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
