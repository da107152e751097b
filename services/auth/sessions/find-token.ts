import { formatScope } from "#shared/protocol/scope.ts";
import { type AccessClaims } from "#shared/tokens/access-token.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Revocations, SessionStore } from "./session.ts";
import type { FindSubject } from "../users/user-directory.ts";
import type { RefreshToken } from "../tokens/refresh-token.ts";

/** A genuine token of ours, of whichever kind. */
export interface FoundToken {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  readonly clientId: string;
  readonly loginAt: string;
  /** Whether it is not spent, its session has not ended, and its subject exists. */
  readonly isLive: boolean;
  /** What else it is good for than requests, if it is; see `requireUse`. */
  readonly use: Pick<AccessClaims, "purpose" | "context_id">;
  /** Its introspection answer (RFC 7662, section 2.2, and claims of our own). */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Finds out what a token is; undefined for one that is not ours or has expired. Throws AppError `unavailable`. */
export type FindToken = (token: string) => Promise<FoundToken | undefined>;

interface FindTokenDeps {
  readonly verify: (token: string) => Promise<AccessClaims>;
  readonly parseRefreshToken: (token: string) => RefreshToken;
  readonly sessions: SessionStore;
  readonly revocations: Revocations;
  readonly findSubject: FindSubject;
}

/** Makes the search, first among access tokens, then among refresh tokens. */
export function createTokenSearch(deps: FindTokenDeps): FindToken {
  return async (token) => {
    const claims = await unlessInvalid(() => deps.verify(token));
    if (claims !== undefined) return foundAccessToken(deps, claims);
    const refreshToken = await unlessInvalid(async () => deps.parseRefreshToken(token));
    return refreshToken && foundRefreshToken(deps, refreshToken);
  };
}

async function foundAccessToken(deps: FindTokenDeps, claims: AccessClaims): Promise<FoundToken> {
  const { tenant_id: tenant, sid, sub: subject, client_id: clientId, login_at: loginAt, purpose, context_id } = claims;
  const isLive = await isSessionLive(deps, { tenant, sid, subject, loginAt });
  const scope = claims.scope && formatScope(claims.scope);
  // Who introspects cannot ask for what the token refers to.
  const present = claims.roles_by_reference === true ? deps.findSubject(tenant, subject) : undefined;
  const { roles, groups } = present ?? claims;
  return {
    tenant,
    sid,
    subject,
    clientId,
    loginAt,
    isLive,
    use: { purpose, context_id },
    claims: { ...claims, scope, roles, groups, username: subject, token_type: "Bearer", token_use: "access_token" },
  };
}

async function foundRefreshToken(deps: FindTokenDeps, token: RefreshToken): Promise<FoundToken | undefined> {
  const session = await deps.sessions.find(token.family);
  if (session === undefined) return undefined;
  const { tenant, sid, subject, clientId, loginAt, endsAt } = session;
  const scope = session.scope && formatScope(session.scope);
  // A generation that the store does not know yet: it lost its tail, and the token is the youngest there is.
  const isLeaf = token.generation >= session.generation;
  const isLive = session.isLive && isLeaf && (await isSessionLive(deps, { tenant, sid, subject, loginAt }));
  const exp = Math.floor(endsAt / 1000);
  // Whoever takes it for an access token would let its bearer in for as long as the session lasts.
  const use = { token_use: "refresh_token" };
  const claims = { sub: subject, username: subject, client_id: clientId, sid, tenant_id: tenant, exp, scope, ...use };
  return { tenant, sid, subject, clientId, loginAt, isLive, use: {}, claims };
}

async function isSessionLive(
  { revocations, findSubject }: FindTokenDeps,
  { tenant, sid, subject, loginAt }: { tenant: string; sid: string; subject: string; loginAt: string },
): Promise<boolean> {
  return findSubject(tenant, subject) !== undefined && !(await revocations.includes(tenant, sid, loginAt));
}

async function unlessInvalid<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AppError && (error.code === "token_invalid" || error.code === "token_expired"))
      return undefined;
    throw error;
  }
}
