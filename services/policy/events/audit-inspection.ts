import type { RequiredAudit } from "#shared/nats/append-audit.ts";

/** Somebody is shown an event's payload. */
export interface Inspection {
  readonly tenant: string;
  /** The event's id. */
  readonly id: string;
  readonly by: string;
  readonly address: string;
}

/** A look at an event in the audit trail. Never the event. */
export interface InspectionEntry extends Inspection {
  readonly event: "event_inspected";
}

/**
 * Appends a look to the audit trail, and answers once that is done.
 * @throws {AppError} `unavailable` when the entry was not stored: nobody looks without one.
 */
export function auditInspection(audit: RequiredAudit<InspectionEntry>, inspection: Inspection): Promise<void> {
  return audit.require({ event: "event_inspected", ...inspection });
}
