import type { AuditTrail } from "#shared/nats/append-audit.ts";
import type { PolicyCommand } from "./commands.ts";

/** A change that was stored. */
export interface StoredChange extends Pick<PolicyCommand, "by" | "why" | "address"> {
  readonly tenant: string;
  readonly kind: PolicyCommand["kind"] | "made";
  /** The numbers of the versions around it; a tenant that was made had none before. */
  readonly before?: number;
  readonly after: number;
}

/** A change in the audit trail: its kind, actor, address and reason. Never a document. */
export interface ChangeEntry extends Omit<StoredChange, "kind"> {
  readonly event: "policy_changed" | "tenant_changed";
  readonly change: StoredChange["kind"];
}

/** The changes of a tenant as a whole. */
const OF_TENANT: ReadonlySet<string> = new Set<StoredChange["kind"]>(["made", "state", "limits"]);

/** Appends a change to the audit trail, and answers once that is done or has failed. */
export function auditChange(audit: AuditTrail<ChangeEntry>, { kind, ...change }: StoredChange): Promise<void> {
  return audit.record({ event: OF_TENANT.has(kind) ? "tenant_changed" : "policy_changed", change: kind, ...change });
}
