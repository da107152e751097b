import type { Logger } from "#shared/log/create-logger.ts";
import type { StreamMetrics } from "./metrics.ts";
import type { Observer } from "./observer.ts";
import { reportPoison } from "./report-poison.ts";

/** Counts everything, and logs what an operator should see. */
export function createObserver(metrics: StreamMetrics, log: Logger, now: () => number): Observer {
  const report = reportPoison(log, now);
  return {
    ...metrics,
    quarantined(poison) {
      metrics.quarantined(poison);
      report(poison);
    },
    fault: (error) => log.error({ err: error }, "a stream failed in an unexpected way"),
  };
}
