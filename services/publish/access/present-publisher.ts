import type { CallContext } from "#shared/async/call-context.ts";
import type { Rights, SessionRights } from "#shared/tokens/session-rights.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";

/** Who publishes, with the roles and groups of now. */
export interface Publisher extends Rights, Pick<VerifiedClaims, "attributes" | "scope"> {
  readonly tenant: string;
  readonly id: string;
  /** The token's outside issuer; undefined for auth's own tokens. */
  readonly issuer: string | undefined;
}

/**
 * Who a token speaks for, if its session lives: what was taken away since the token was issued is away. auth knows nothing of
 * an outside issuer's sessions: there the token counts as long as it lasts.
 * @throws {AppError} `session_ended`, `token_expired`, `token_for_streams`, `token_bound` or `unavailable`.
 */
export async function presentPublisher(
  sessions: SessionRights,
  claims: VerifiedClaims,
  context: CallContext,
): Promise<Publisher> {
  requireUse(claims, "request");
  const { sub, tenant_id: tenant, sid, login_at: loginAt, exp: tokenExpiresAt, kid, attributes, scope, iss } = claims;
  const person = { tenant, id: sub, ...(attributes !== undefined && { attributes }), scope };
  if (claims.isOutside === true) return { ...person, roles: claims.roles, groups: claims.groups, issuer: iss };
  const session = { tenant, sid, subject: sub, tokenExpiresAt, loginAt, kid };
  return { ...person, ...(await sessions.rightsOf(session, context)), issuer: undefined };
}
