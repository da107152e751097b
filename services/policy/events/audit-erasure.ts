import type { AuditTrail } from "#shared/nats/append-audit.ts";
import type { Erasure } from "./purge-erased.ts";

/** An erasure in the audit trail: its actor, address, reason and extent. Never an event. */
export interface ErasureEntry extends Omit<Erasure, "entry"> {
  readonly event: "events_erased";
  /** The topic pattern, or how many ids were named. */
  readonly topics?: string;
  readonly ids?: number;
  readonly through: number;
}

/** Appends an erasure to the audit trail, and answers once that is done or has failed. */
export function auditErasure(audit: AuditTrail<ErasureEntry>, { entry, ...erasure }: Erasure): Promise<void> {
  const what = "subject" in entry ? { topics: entry.subject } : { ids: entry.ids.length };
  return audit.record({ event: "events_erased", ...erasure, ...what, through: entry.through });
}
