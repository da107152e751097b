import type { AuditTrail } from "#shared/nats/append-audit.ts";
import type { ConnectionClose } from "./find-connection.ts";

/** A stream that an administrator closed, in the audit trail. */
export interface CloseEntry extends ConnectionClose {
  readonly event: "connection_closed";
}

/** Appends the close of a stream to the audit trail, and answers once that is done or has failed. */
export function auditClose(audit: AuditTrail<CloseEntry>, close: ConnectionClose): Promise<void> {
  return audit.record({ event: "connection_closed", ...close });
}
