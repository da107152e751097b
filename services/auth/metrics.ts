import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, type Registry } from "prom-client";

/** What auth counts. */
export interface AuthMetrics {
  readonly logins: Counter<"outcome">;
  readonly refreshes: Counter<"outcome">;
  readonly sessionsChecked: Counter<"state">;
  readonly tokenRequests: Counter<"outcome">;
  readonly auditEntriesLost: Counter;
  readonly auditEntriesLeftOut: Counter;
  readonly usersFileRejections: Counter;
  readonly sessionRecordsForged: Counter;
}

/** Registers auth's metrics. An outcome is `ok` or the error's code. */
export function createAuthMetrics(registry: Registry): AuthMetrics {
  const registers = [registry];
  return {
    logins: new Counter({
      name: "sluice_auth_logins_total",
      help: "Logins by outcome.",
      labelNames: ["outcome"],
      registers,
    }),
    refreshes: new Counter({
      name: "sluice_auth_refreshes_total",
      help: "Refreshes by outcome.",
      labelNames: ["outcome"],
      registers,
    }),
    sessionsChecked: new Counter({
      name: "sluice_auth_sessions_checked_total",
      help: "Sessions the edge asked about, by what they were found to be.",
      labelNames: ["state"],
      registers,
    }),
    tokenRequests: new Counter({
      name: "sluice_auth_token_requests_total",
      help: "Requests to the OAuth token endpoint by outcome.",
      labelNames: ["outcome"],
      registers,
    }),
    auditEntriesLost: new Counter({
      name: "sluice_auth_audit_entries_lost_total",
      help: "Audit entries that could not be stored; the log has them.",
      registers,
    }),
    auditEntriesLeftOut: new Counter({
      name: "sluice_auth_audit_entries_left_out_total",
      help: "Refused logins that the audit trail does not have, because there were too many.",
      registers,
    }),
    usersFileRejections: new Counter({
      name: "sluice_auth_users_file_rejections_total",
      help: "Changes of the users' file that were not put in force.",
      registers,
    }),
    sessionRecordsForged: new Counter({
      name: "sluice_auth_session_records_forged_total",
      help: "Sessions whose record in Redis was changed by somebody else than auth; each counts once.",
      registers,
    }),
  };
}

/** Registers the gauge of sessions that have neither ended nor run out; without Redis it has no value. */
export function addActiveSessions(registry: Registry, count: () => Promise<number>): void {
  const described = {
    name: "sluice_auth_active_sessions",
    help: "Sessions that have neither ended nor reached the end of their lifetime; idle ones count.",
  };
  // Without Redis there is no figure, and an old or a made-up one would be taken for true.
  gaugeWhenRead(registry, described, async (gauge) => gauge.set(await count().catch(() => NaN)));
}
