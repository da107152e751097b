import type { StreamConfig } from "../config.ts";

/** No tail is smaller than this: a burst would push every reader to JetStream. */
const MIN_TAIL_BYTES = 1_000_000;

/** The least that the settings take. */
const MIN_HISTORY_BYTES = 1_000_000;

/** What the workers share, and the least that one of them gets. */
const SHARED = {
  STREAM_MAX_CONNECTIONS: 1,
  STREAM_TAIL_BYTES: MIN_TAIL_BYTES,
  STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: MIN_HISTORY_BYTES,
  STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: MIN_HISTORY_BYTES,
} as const satisfies Partial<Record<keyof StreamConfig, number>>;

type SharedSetting = keyof typeof SHARED;

/** The environment of worker `index` (from 0): its share of the process's limits, and the common port. */
export function shareSettings(
  env: NodeJS.ProcessEnv,
  config: Pick<StreamConfig, "STREAM_WORKERS" | SharedSetting>,
  index: number,
  httpPort: number,
): NodeJS.ProcessEnv {
  const shares = (Object.keys(SHARED) as SharedSetting[]).map((name) => {
    const share = shareOf(config[name], config.STREAM_WORKERS, index);
    return [name, String(Math.max(SHARED[name], share))];
  });
  return { ...env, STREAM_WORKERS: "1", STREAM_HTTP_PORT: String(httpPort), ...Object.fromEntries(shares) };
}

/** The shares add up to the whole. */
function shareOf(whole: number, parts: number, index: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
