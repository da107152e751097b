/** The stream of the audit trail. */
export const AUDIT_STREAM = "AUDIT";

/** Stands for the tenant where a login named none that there is; no tenant can have this name. */
export const UNKNOWN_TENANT = "@unknown";

/** Stands for the tenant where an entry is about all tenants of a home; no tenant can have this name. */
export const WHOLE_HOME = "@home";

/** The subject of a tenant's audit entries of one kind; either may be a wildcard. */
export function auditSubject(tenant: string, event: string): string {
  return `audit.${tenant}.${event}`;
}
