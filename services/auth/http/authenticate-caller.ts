import type { Context } from "hono";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { readTokenSource } from "#shared/http/token-source.ts";
import type { Revocations } from "../sessions/session.ts";
import type { FindSubject, User } from "../users/user-directory.ts";

/** Checks an access token of ours; throws AppError `token_invalid` or `token_expired`. */
export type VerifyToken = (token: string) => Promise<AccessClaims>;

/** Who calls, by a session that is alive. */
export interface Caller {
  readonly claims: AccessClaims;
  /** What they hold now, whatever the token says. */
  readonly holder: User;
}

/**
 * Authenticates a request by its access token.
 * @throws {AppError} `token_missing`, `token_invalid`, `token_expired`, `session_ended`, `cross_site`, `unavailable`.
 */
export type AuthenticateCaller = (c: Context) => Promise<Caller>;

/** Makes the authentication of callers. */
export function createCallerAuthentication(path: {
  readonly verify: VerifyToken;
  readonly revocations: Revocations;
  readonly findSubject: FindSubject;
  readonly allowedOrigins: readonly string[];
}): AuthenticateCaller {
  return async (c) => {
    const source = readTokenSource({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
    if (source === undefined) throw new AppError("token_missing", "the request carries no token");
    if (source.from === "cookie") requireTrustedPage(c, path.allowedOrigins);
    const claims = await path.verify(source.token);
    const holder = path.findSubject(claims.tenant_id, claims.sub);
    const isRevoked = await path.revocations.includes(claims.tenant_id, claims.sid, claims.login_at);
    if (isRevoked || holder === undefined) throw new AppError("session_ended", "the session has ended; log in again");
    return { claims, holder };
  };
}

/** Setting a cookie needs as much trust as using one: a foreign page must not log its visitor in as somebody else. */
export function requireTrustedPage(c: Context, allowedOrigins: readonly string[]): void {
  const { origin, host, "sec-fetch-site": secFetchSite } = c.req.header();
  if (isTrustedPage({ origin, host, secFetchSite }, allowedOrigins)) return;
  throw new AppError("cross_site", "pages of this origin may not use this service; see AUTH_ALLOWED_ORIGINS");
}
