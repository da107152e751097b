import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { Counter, Gauge, type Registry } from "prom-client";

/** What policy counts. */
export interface PolicyMetrics {
  readonly decisions: Counter<"outcome" | "source">;
  readonly resolves: Counter;
  /** A version of a tenant's policy was put in force in this process; undefined: the tenant is no more. */
  snapshotSwapped(tenant: string, version: number | undefined): void;
  readonly documentsRejected: Counter;
  readonly documentsMissing: Gauge;
  readonly changes: Counter<"kind">;
  readonly changesRefused: Counter;
  readonly compilations: Counter<"outcome">;
  readonly erasedEvents: Counter;
  readonly auditEntriesLost: Counter;
}

/** The bound of the metrics, and their clock. */
export interface PolicyMetricsSetting {
  /** How many tenants have series of their own. */
  readonly maxTenants: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const UNBOUND: PolicyMetricsSetting = { maxTenants: Number.POSITIVE_INFINITY, now: () => performance.now() };

/** Registers policy's metrics. */
export function createPolicyMetrics(registry: Registry, setting = UNBOUND): PolicyMetrics {
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
    snapshotSwapped: watchSnapshots(registry, setting),
    documentsRejected: new Counter({
      name: "sluice_policy_documents_rejected_total",
      help: "Document files that were not put in force.",
      registers,
    }),
    documentsMissing: new Gauge({
      name: "sluice_policy_documents_missing",
      help: "Documents in force whose file is gone.",
      registers,
    }),
    changes: new Counter({
      name: "sluice_policy_changes_total",
      help: "Changes of policies that this process stored and announced.",
      labelNames: ["kind"],
      registers,
    }),
    changesRefused: new Counter({
      name: "sluice_policy_changes_refused_total",
      help: "Changes beyond what a tenant may make in a time.",
      registers,
    }),
    compilations: new Counter({
      name: "sluice_policy_documents_compiled_total",
      help: "Texts of documents that were read and compiled, that were refused, and that were given up at their deadline.",
      labelNames: ["outcome"],
      registers,
    }),
    erasedEvents: new Counter({
      name: "sluice_policy_erased_events_total",
      help: "Events that this process purged because somebody had them erased.",
      registers,
    }),
    auditEntriesLost: new Counter({
      name: "sluice_policy_audit_entries_lost_total",
      help: "Entries that could not be appended to the audit trail; the log has them.",
      registers,
    }),
  };
}

/** Tenants beyond the bound are counted, but not by name. */
function watchSnapshots(
  registry: Registry,
  { maxTenants, now }: PolicyMetricsSetting,
): PolicyMetrics["snapshotSwapped"] {
  const held = new Map<string, HeldSnapshot>();
  const perTenant = (name: string, help: string, valueOf: (held: HeldSnapshot) => number): void =>
    gaugeWhenRead(registry, { name, help, labelNames: ["tenant"] }, (gauge) => {
      for (const [tenant, snapshot] of [...held].slice(0, maxTenants)) gauge.set({ tenant }, valueOf(snapshot));
    });
  const version = "The version of a tenant's policy in force in this process.";
  perTenant("sluice_policy_snapshot_version", version, (snapshot) => snapshot.version);
  const age = "How long that version has been in force in this process.";
  perTenant("sluice_policy_snapshot_age_seconds", age, ({ since }) => (now() - since) / 1_000);
  const tenants = new Gauge({
    name: "sluice_policy_snapshots",
    help: "Tenants with a policy in force in this process.",
    registers: [registry],
  });
  const reloads = new Counter({
    name: "sluice_policy_reloads_total",
    help: "Versions of policies that were put in force in this process, whoever made them.",
    registers: [registry],
  });
  return (tenant, number) => {
    if (number === undefined) held.delete(tenant);
    else held.set(tenant, { version: number, since: now() });
    tenants.set(held.size);
    if (number !== undefined) reloads.inc();
  };
}

interface HeldSnapshot {
  readonly version: number;
  readonly since: number;
}
