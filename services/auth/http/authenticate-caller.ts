import type { Context } from "hono";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { verifyOneOf } from "#shared/tokens/try-tokens.ts";
import type { EndedSession } from "../sessions/revoke-session.ts";
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
 * @throws {AppError} `token_missing`, `token_invalid`, `token_expired`, `token_for_streams`, `conflicting_tokens`, `cross_site`.
 */
export type IdentifyCaller = (c: Context) => Promise<AccessClaims>;

/** The session that a token of ours is of. */
export function sessionOf({ tenant_id: tenant, sid, sub: subject, login_at: loginAt }: AccessClaims): EndedSession {
  return { tenant, sid, subject, loginAt };
}

interface IdentificationDeps {
  readonly verify: VerifyToken;
  readonly cookies: TokenCookies;
  readonly allowedOrigins: readonly string[];
}

/** Makes the identification of callers. */
export function createCallerIdentification(deps: IdentificationDeps): IdentifyCaller {
  return async (c) => {
    const claims = await readClaims(deps, c);
    requireUse(claims, "request");
    c.set("caller", { tenant: claims.tenant_id, subject: claims.sub });
    return claims;
  };
}

async function readClaims({ verify, cookies, allowedOrigins }: IdentificationDeps, c: Context): Promise<AccessClaims> {
  const headers = c.req.header();
  const explicit = readExplicitToken({ headers, query: new URL(c.req.url).searchParams });
  if (explicit !== undefined) return verify(explicit.token);
  const { access } = cookies.read(headers);
  if (access.length === 0) throw new AppError("token_missing", "the request carries no token");
  requireTrustedPage(c, allowedOrigins);
  return verifyOneOf(access, verify);
}

/**
 * Authenticates a request by its access token, which has no scope and whose session lives.
 * @throws {AppError} what the identification throws, `forbidden`, `session_ended`, `unavailable`.
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
    if (claims.scope !== undefined)
      throw new AppError("forbidden", "a token with a scope may not be used for sessions");
    const isRevoked = await deps.revocations.includes(claims.tenant_id, claims.sid, claims.login_at);
    const holder = deps.findSubject(claims.tenant_id, claims.sub);
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
