import { Counter, Gauge, type Registry } from "prom-client";

/** What policy counts. */
export interface PolicyMetrics {
  readonly decisions: Counter<"outcome" | "source">;
  readonly resolves: Counter;
  readonly snapshotVersion: Gauge<"tenant">;
  readonly documentsRejected: Counter;
  readonly changes: Counter<"kind">;
}

/** Registers policy's metrics. */
export function createPolicyMetrics(registry: Registry): PolicyMetrics {
  const registers = [registry];
  return {
    decisions: new Counter({
      name: "sluice_policy_decisions_total",
      help: "Decisions by outcome and who asked; conditional ones leave something of the event for the edge to look at.",
      labelNames: ["outcome", "source"],
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
  };
}
