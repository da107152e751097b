import type { Logger } from "#shared/log/create-logger.ts";
import type { Poison } from "../event.ts";

/** A producer that writes nothing else must not fill the disk with our log as well. */
const REPORT_EVERY_MS = 1_000;

/** Logs quarantined entries, at most once a second for each tenant. */
export function reportPoison(log: Logger, now: () => number): (poison: Poison) => void {
  const reported = new Map<string, { at: number; unreported: number }>();
  return ({ tenant, seq, reason, error }) => {
    const last = reported.get(tenant);
    if (last !== undefined && now() - last.at < REPORT_EVERY_MS) {
      last.unreported += 1;
      return;
    }
    reported.set(tenant, { at: now(), unreported: 0 });
    log.warn(
      { tenant, seq, reason, err: error, unreported: last?.unreported ?? 0 },
      "an entry of the log cannot be shown to anybody; npx sluice poison shows it",
    );
  };
}
