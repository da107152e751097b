import type { StreamConfig } from "../config.ts";

/** No tail is smaller than this: a burst would push every reader to JetStream. */
const MIN_TAIL_BYTES = 1_000_000;

/** The environment of worker `index` (from 0): its share of the process's limits, and the common port. */
export function shareSettings(
  env: NodeJS.ProcessEnv,
  config: Pick<
    StreamConfig,
    "STREAM_WORKERS" | "STREAM_MAX_CONNECTIONS" | "STREAM_TAIL_BYTES" | "STREAM_LIMITS_SHARED_BY"
  >,
  index: number,
  httpPort: number,
): NodeJS.ProcessEnv {
  const { STREAM_WORKERS: workers, STREAM_MAX_CONNECTIONS: connections, STREAM_TAIL_BYTES: bytes } = config;
  return {
    ...env,
    STREAM_WORKERS: "1",
    STREAM_LIMITS_SHARED_BY: String(config.STREAM_LIMITS_SHARED_BY ?? workers),
    STREAM_HTTP_PORT: String(httpPort),
    STREAM_MAX_CONNECTIONS: String(Math.max(1, shareOf(connections, workers, index))),
    STREAM_TAIL_BYTES: String(Math.max(MIN_TAIL_BYTES, shareOf(bytes, workers, index))),
  };
}

/** The shares add up to the whole. */
function shareOf(whole: number, parts: number, index: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
