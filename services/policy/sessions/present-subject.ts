import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { type ClaimedSubject, claimedSubject } from "../decide/trusted-subject.ts";

/** The roles and groups that somebody has. */
export interface Rights {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** A session, as an access token of auth's names it. */
export interface SessionOfToken {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  /** The token's `exp`, in seconds since 1970. */
  readonly tokenExpiresAt: number;
  readonly loginAt: string | undefined;
}

/** The sessions that auth keeps. */
export interface SessionRights {
  /**
   * The rights that the session's person has now, for the request that is given. The question goes out after the call, so the answer has everything that
   * was acknowledged before it.
   * @throws {AppError} `session_ended`, `token_expired`, or `unavailable`: not known.
   */
  rightsOf(session: SessionOfToken, context?: CallContext): Promise<Rights>;
}

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
