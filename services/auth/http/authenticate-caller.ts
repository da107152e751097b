import type { Context } from "hono";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { verifyOneOf } from "#shared/tokens/try-tokens.ts";
import type { Revocations } from "../sessions/session.ts";
import type { FindSubject, User } from "../users/user-directory.ts";

/** Checks an access token of ours; throws AppError `token_invalid` or `token_expired`. */
export type VerifyToken = (token: string) => Promise<AccessClaims>;

/** Who calls, by a session that is alive. */
export interface Caller {
  readonly claims: AccessClaims;
  /** Their account now, whatever the token says. */
  readonly holder: User;
}

/**
 * Reads who calls from a genuine token, whose session may have ended.
 * @throws {AppError} `token_missing`, `token_invalid`, `token_expired`, `conflicting_tokens`, `cross_site`.
 */
export type IdentifyCaller = (c: Context) => Promise<AccessClaims>;

/** Makes the identification of callers. */
export function createCallerIdentification(deps: {
  readonly verify: VerifyToken;
  readonly cookies: TokenCookies;
  readonly allowedOrigins: readonly string[];
}): IdentifyCaller {
  return async (c) => {
    const headers = c.req.header();
    const explicit = readExplicitToken({ headers, query: new URL(c.req.url).searchParams });
    if (explicit !== undefined) return deps.verify(explicit.token);
    const { access } = deps.cookies.read(headers);
    if (access.length === 0) throw new AppError("token_missing", "the request carries no token");
    requireTrustedPage(c, deps.allowedOrigins);
    return verifyOneOf(access, deps.verify);
  };
}

/**
 * Authenticates a request by its access token, whose session lives.
 * @throws {AppError} what the identification throws, `session_ended`, `unavailable`.
 */
export type AuthenticateCaller = (c: Context) => Promise<Caller>;

/** Makes the authentication of callers. */
export function createCallerAuthentication(deps: {
  readonly identify: IdentifyCaller;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
}): AuthenticateCaller {
  return async (c) => {
    const claims = await deps.identify(c);
    const holder = deps.findSubject(claims.tenant_id, claims.sub);
    const isRevoked = await deps.revocations.includes(claims.tenant_id, claims.sid, claims.login_at);
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
