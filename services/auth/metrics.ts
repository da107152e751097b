import { Counter, type Registry } from "prom-client";

/** What auth counts. */
export interface AuthMetrics {
  readonly logins: Counter<"outcome">;
  readonly refreshes: Counter<"outcome">;
  readonly sessionsChecked: Counter<"state">;
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
  };
}
