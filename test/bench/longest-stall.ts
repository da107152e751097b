import type { RunningService } from "#test/support/start-service.ts";
import { readMetric } from "#test/support/read-metric.ts";

/** The longest time that a service's event loop was held up since this was asked last, in milliseconds. */
export async function longestStall(service: RunningService): Promise<number> {
  return (await readMetric(service, "nodejs_eventloop_lag_max_seconds")) * 1_000;
}
