import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { SessionRights } from "#shared/tokens/session-rights.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { type ClaimedSubject, claimedSubject } from "../decide/trusted-subject.ts";

/** The ends of whole tenants. */
export interface TenantEnds {
  /**
   * Whether the tenant is deleted, or was after the session began; without `loginAt`, whether it is. Throws AppError
   * `unavailable` when the leader of the record does not answer.
   */
  hasEnded(tenant: string, loginAt: string | undefined): Promise<boolean>;
}

/** What a token's claims are checked against. */
export interface PresentSubjectDeps {
  readonly sessions: SessionRights;
  readonly tenantEnds: TenantEnds;
}

/**
 * Who a token speaks for, with the rights of now: what was taken away since the token was issued is away. auth knows nothing
 * of an outside issuer's sessions: there the token counts as long as it lasts and its tenant is there.
 * @throws {AppError} `session_ended`, `token_expired`, `token_for_streams`, `token_bound` or `unavailable`.
 */
export async function presentSubject(
  deps: PresentSubjectDeps,
  claims: VerifiedClaims,
  context?: CallContext,
): Promise<ClaimedSubject> {
  requireUse(claims, "request");
  const { sub: subject, tenant_id: tenant, sid, login_at: loginAt } = claims;
  if (claims.isOutside !== true) {
    const session = { tenant, sid, subject, tokenExpiresAt: claims.exp, loginAt };
    return { ...claimedSubject(claims), ...(await deps.sessions.rightsOf(session, context)) };
  }
  if (await deps.tenantEnds.hasEnded(tenant, loginAt)) throw new AppError("session_ended", "the tenant has ended");
  return claimedSubject(claims);
}
