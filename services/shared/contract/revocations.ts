import { z } from "zod";

/** The bucket of ended sessions, the source of truth for revocations. Read it through its leader. */
export const REVOKED_BUCKET = "sluice_revoked";

/** The key of a whole tenant in it, with a `TenantEnd` as its value. */
export function endedTenantKey(tenant: string): string {
  return tenant;
}

/** Which sessions of a tenant have ended all at once, because the tenant was deleted. */
export const tenantEndSchema = z.object({
  /** The version of the tenant's policy that says so. */
  version: z.int().min(1),
  /** Those that began up to this time, in milliseconds of auth's clock; null for all, also those to come. */
  through: z.int().nullable(),
});
export type TenantEnd = z.infer<typeof tenantEndSchema>;

/** Whether a session that began then ended with its tenant; one without `loginAt` began before. */
export function endedWithTenant({ through }: TenantEnd, loginAt: string | undefined): boolean {
  const beganAt = Date.parse(loginAt ?? "");
  return through === null || Number.isNaN(beganAt) || beganAt <= through;
}

/** The key of a session in it. A key that exists says: this session has ended. */
export function revokedKey(tenant: string, sid: string): string {
  return `${tenant}.${sid}`;
}
