import type { Context } from "hono";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { readTokenSource } from "#shared/http/token-source.ts";
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
 * @throws {AppError} `token_missing`, `token_invalid`, `token_expired`, `token_for_streams`, `cross_site`.
 */
export type IdentifyCaller = (c: Context) => Promise<AccessClaims>;

/** The session that a token of ours is of. */
export function sessionOf({ tenant_id: tenant, sid, sub: subject, login_at: loginAt }: AccessClaims): EndedSession {
  return { tenant, sid, subject, loginAt };
}

/** Makes the identification of callers. */
export function createCallerIdentification(deps: {
  readonly verify: VerifyToken;
  readonly allowedOrigins: readonly string[];
}): IdentifyCaller {
  return async (c) => {
    const source = readTokenSource({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
    if (source === undefined) throw new AppError("token_missing", "the request carries no token");
    if (source.from === "cookie") requireTrustedPage(c, deps.allowedOrigins);
    const claims = await deps.verify(source.token);
    requireUse(claims, "request");
    c.set("caller", { tenant: claims.tenant_id, subject: claims.sub });
    return claims;
  };
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
