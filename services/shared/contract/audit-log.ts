/** The stream of the audit trail. */
export const AUDIT_STREAM = "AUDIT";

/** The subject of a tenant's audit entries of one kind; either may be a wildcard. */
export function auditSubject(tenant: string, event: string): string {
  return `audit.${tenant}.${event}`;
}
