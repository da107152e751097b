import { Counter, Gauge, type Registry } from "prom-client";

/** What policy counts. */
export interface PolicyMetrics {
  readonly decisions: Counter<"effect">;
  readonly resolves: Counter;
  readonly snapshotVersion: Gauge<"tenant">;
  readonly documentsRejected: Counter;
  readonly changes: Counter<"kind">;
  readonly auditEntriesLost: Counter;
}

/** Registers policy's metrics. */
export function createPolicyMetrics(registry: Registry): PolicyMetrics {
  const registers = [registry];
  return {
    decisions: new Counter({
      name: "sluice_policy_decisions_total",
      help: "Decisions by effect; conditional ones leave topics for the edge to look at.",
      labelNames: ["effect"],
      registers,
    }),
    resolves: new Counter({
      name: "sluice_policy_resolves_total",
      help: "Subjects that were given a grant.",
      registers,
    }),
    snapshotVersion: new Gauge({
      name: "sluice_policy_snapshot_version",
      help: "The version of each tenant's policy in force in this process.",
      labelNames: ["tenant"],
      registers,
    }),
    documentsRejected: new Counter({
      name: "sluice_policy_documents_rejected_total",
      help: "Document files that were not put in force.",
      registers,
    }),
    changes: new Counter({
      name: "sluice_policy_changes_total",
      help: "Changes of policies that this process stored and announced.",
      labelNames: ["kind"],
      registers,
    }),
    auditEntriesLost: new Counter({
      name: "sluice_policy_audit_entries_lost_total",
      help: "Entries that could not be appended to the audit trail; the log has them.",
      registers,
    }),
  };
}
