import type { Logger } from "#shared/log/create-logger.ts";

const REPORT_EVERY_MS = 60_000;

/** Producers make up types: no more than so many have lines within a minute. */
const MAX_REPORTED = 100;

/** Logs types whose events go to nobody because no rule names them: each at most once a minute, for each tenant. */
export function reportTypes(log: Logger, now: () => number): (type: string, tenant: string) => void {
  const reported = new Map<string, { at: number; unreported: number }>();
  return (type, tenant) => {
    const key = `${tenant} ${type}`;
    const last = reported.get(key);
    if (last !== undefined && now() - last.at < REPORT_EVERY_MS) {
      last.unreported += 1;
      return;
    }
    if (last === undefined && reported.size >= MAX_REPORTED) {
      for (const [name, { at }] of reported) if (now() - at >= REPORT_EVERY_MS) reported.delete(name);
      if (reported.size >= MAX_REPORTED) return;
    }
    reported.set(key, { at: now(), unreported: 0 });
    log.warn(
      { tenant, eventType: type, unreported: last?.unreported ?? 0 },
      "events of this type go to nobody: no rule of the tenant's event map names it",
    );
  };
}
