import type { Logger } from "#shared/log/create-logger.ts";
import type { Poison } from "../event.ts";
import type { StreamMetrics } from "../observe/metrics.ts";

/** A producer that writes nothing else must not fill the disk with our log as well. */
const TELL_EVERY_MS = 1_000;

/** Counts what nobody can be shown and tells it in the log, at most once a second for each tenant. */
export function reportPoison(metrics: StreamMetrics, log: Logger, now: () => number): (poison: Poison) => void {
  const told = new Map<string, { at: number; untold: number }>();
  return ({ tenant, seq, reason, error }) => {
    metrics.poison(reason);
    const last = told.get(tenant);
    if (last !== undefined && now() - last.at < TELL_EVERY_MS) {
      last.untold += 1;
      return;
    }
    told.set(tenant, { at: now(), untold: 0 });
    log.warn(
      { tenant, seq, reason, err: error, untold: last?.untold ?? 0 },
      "an entry of the log cannot be shown to anybody; sluice poison shows it",
    );
  };
}
