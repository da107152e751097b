import { readFileSync, statSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Load } from "./overload-steps.ts";

/** How often the loop's delay is measured; a hundredth of what it costs at 1 ms. */
const RESOLUTION_MS = 20;

const NANOSECONDS = 1e6;

/** What this process may use. */
export interface ProcessLimits {
  /** Of memory in all, beside the heap's own limit; infinity where nobody has set one. */
  readonly memoryBytes: number;
  /** Infinity where it is not known. */
  readonly descriptors: number;
}

/** Reads the load of this process since the last reading, in 40 µs. Disposing it ends the measurement. */
export interface LoadReader extends Disposable {
  readonly read: () => Load;
}

/** Begins to measure how late the loop is. */
export function startLoadReader({ memoryBytes, descriptors }: ProcessLimits): LoadReader {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return {
    read() {
      // The median: one stall among prompt turns is no overload. A measurement takes `RESOLUTION_MS` when nothing is late.
      const loopDelayMs = delays.count === 0 ? 0 : delays.percentile(50) / NANOSECONDS - RESOLUTION_MS;
      delays.reset();
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return {
        loopDelayMs,
        memory: Math.max(used / limit, process.memoryUsage.rss() / memoryBytes),
        descriptors: countDescriptors() / descriptors,
      };
    },
    [Symbol.dispose]: () => void delays.disable(),
  };
}

/** The limits of this process. Without `memoryBytes` its control group's counts, if it has one. */
export function readProcessLimits(memoryBytes?: number): ProcessLimits {
  return { memoryBytes: memoryBytes ?? groupMemoryBytes() ?? Number.POSITIVE_INFINITY, descriptors: maxDescriptors() };
}

/** The memory that the control group allows all its processes together; undefined where it does not limit them. */
export function groupMemoryBytes(): number | undefined {
  const bytes = process.constrainedMemory();
  // Without a limit Node says 0, or a number beyond all memory there is.
  return bytes > 0 && bytes < 2 ** 48 ? bytes : undefined;
}

/** The size of this folder is the number of open descriptors since Linux 6.2. Listing it takes 10 ms with 20 000 of them. */
function countDescriptors(): number {
  return statSync("/proc/self/fd", { throwIfNoEntry: false })?.size ?? 0;
}

function maxDescriptors(): number {
  if (process.platform !== "linux") return Number.POSITIVE_INFINITY;
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
