import type { StreamConfig } from "../config.ts";
import { groupMemoryBytes } from "../overload/read-load.ts";

/** No tail is smaller than this: a burst would push every reader to JetStream. */
const MIN_TAIL_BYTES = 1_000_000;

/** The least that the settings take. */
const MIN_HISTORY_BYTES = 1_000_000;

/** No worker runs with less. */
const MIN_MEMORY_BYTES = 64 * 1024 * 1024;

/** What the workers share, and the least that one of them gets. */
const SHARED = {
  STREAM_MAX_CONNECTIONS: 1,
  STREAM_TAIL_BYTES: MIN_TAIL_BYTES,
  STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: MIN_HISTORY_BYTES,
  STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: MIN_HISTORY_BYTES,
  STREAM_MEMORY_BYTES: MIN_MEMORY_BYTES,
} as const satisfies Partial<Record<keyof StreamConfig, number>>;

type SharedSetting = keyof typeof SHARED;

/** The environment of worker `index` (from 0): its share of the process's limits, and the common port. */
export function shareSettings(
  env: NodeJS.ProcessEnv,
  config: Pick<StreamConfig, "STREAM_WORKERS" | "STREAM_LIMITS_SHARED_BY" | SharedSetting>,
  index: number,
  httpPort: number,
): NodeJS.ProcessEnv {
  // A worker sees the whole group's limit of memory.
  const whole = { ...config, STREAM_MEMORY_BYTES: config.STREAM_MEMORY_BYTES ?? groupMemoryBytes() };
  const shares = (Object.keys(SHARED) as SharedSetting[]).flatMap((name) => {
    const value = whole[name];
    if (value === undefined) return [];
    return [[name, String(Math.max(SHARED[name], shareOf(value, config.STREAM_WORKERS, index)))]];
  });
  return {
    ...env,
    STREAM_WORKERS: "1",
    STREAM_LIMITS_SHARED_BY: String(config.STREAM_LIMITS_SHARED_BY ?? config.STREAM_WORKERS),
    STREAM_HTTP_PORT: String(httpPort),
    ...Object.fromEntries(shares),
  };
}

/** The shares add up to the whole. */
function shareOf(whole: number, parts: number, index: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
