import type { StreamConfig } from "../config.ts";
import { groupMemoryBytes } from "../overload/read-load.ts";

/** No tail is smaller than this: a burst would push every reader to JetStream. */
const MIN_TAIL_BYTES = 1_000_000;

/** No worker runs with less. */
const MIN_MEMORY_BYTES = 64 * 1024 * 1024;

/** The environment of worker `index` (from 0): its share of the process's limits, and the common port. */
export function shareSettings(
  env: NodeJS.ProcessEnv,
  config: Pick<StreamConfig, "STREAM_WORKERS" | "STREAM_MAX_CONNECTIONS" | "STREAM_TAIL_BYTES" | "STREAM_MEMORY_BYTES">,
  index: number,
  httpPort: number,
): NodeJS.ProcessEnv {
  const { STREAM_WORKERS: workers, STREAM_MAX_CONNECTIONS: connections, STREAM_TAIL_BYTES: bytes } = config;
  // A worker sees the whole group's limit.
  const memory = config.STREAM_MEMORY_BYTES ?? groupMemoryBytes();
  return {
    ...env,
    STREAM_WORKERS: "1",
    STREAM_HTTP_PORT: String(httpPort),
    STREAM_MAX_CONNECTIONS: String(Math.max(1, shareOf(connections, workers, index))),
    STREAM_TAIL_BYTES: String(Math.max(MIN_TAIL_BYTES, shareOf(bytes, workers, index))),
    ...(memory !== undefined && {
      STREAM_MEMORY_BYTES: String(Math.max(MIN_MEMORY_BYTES, shareOf(memory, workers, index))),
    }),
  };
}

/** The shares add up to the whole. */
function shareOf(whole: number, parts: number, index: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
