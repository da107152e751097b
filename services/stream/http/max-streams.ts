import type { SocketBudget } from "#shared/http/socket-budget.ts";
import type { Logger } from "#shared/log/create-logger.ts";

/**
 * How many streams may be open: as many as is set, unless the process has no descriptors for so many. Then the edge says
 * `busy` while it still can, and its log says what to do.
 */
export function maxStreamsOf(
  { STREAM_MAX_CONNECTIONS: wanted }: { readonly STREAM_MAX_CONNECTIONS: number },
  { limits: { open, waiting } }: SocketBudget,
  log: Logger,
): number {
  const possible = open - waiting;
  if (wanted <= possible) return wanted;
  const advice = "there are no descriptors for STREAM_MAX_CONNECTIONS streams: raise the limit (ulimit -n)";
  log.warn({ wanted, possible }, advice);
  return possible;
}
