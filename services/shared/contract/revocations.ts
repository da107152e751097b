/** The bucket of ended sessions: the one place whose word on a revocation counts. Read it through its leader. */
export const REVOKED_BUCKET = "sluice_revoked";

/** The key of a session in it. A key that exists says: this session has ended. */
export function revokedKey(tenant: string, sid: string): string {
  return `${tenant}.${sid}`;
}
