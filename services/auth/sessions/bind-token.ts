import { toAppError } from "#shared/errors/app-error.ts";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import type { AccessClaims } from "#shared/tokens/access-token.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { FindSubject } from "../users/user-directory.ts";
import type { Revocations, SessionStore } from "./session.ts";

/**
 * Issues an access token that is good for calls about one stream alone, in place of a token whose session lives. It has the
 * other token's scope and its person's rights by now. Undefined for a token that is not good for this, or whose session has
 * ended.
 * @throws {AppError} `unavailable`.
 */
export type BindToken = (accessToken: string, connectionId: string) => Promise<IssuedTokens | undefined>;

interface BindTokenDeps {
  /** Checks an access token of auth's. */
  readonly verify: (token: string) => Promise<AccessClaims>;
  readonly sessions: Pick<SessionStore, "find">;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
  readonly issueTokens: IssueTokens;
}

/** Makes the binding of tokens. */
export function createTokenBinding(deps: BindTokenDeps): BindToken {
  return async (accessToken, connectionId) => {
    const claims = await verifyFor(deps, accessToken, connectionId);
    if (claims === undefined) return undefined;
    const { tenant_id: tenant, sub, sid, login_at, scope } = claims;
    const [session, isRevoked] = await Promise.all([
      deps.sessions.find(sid),
      deps.revocations.includes(tenant, sid, login_at),
    ]);
    const holder = deps.findSubject(tenant, sub);
    const isTheirs = session?.isLive === true && session.tenant === tenant && session.subject === sub;
    if (!isTheirs || isRevoked || holder === undefined) return undefined;
    return deps.issueTokens({ ...session, scope, contextId: connectionId }, holder, session.generation);
  };
}

async function verifyFor(
  { verify }: BindTokenDeps,
  accessToken: string,
  connectionId: string,
): Promise<AccessClaims | undefined> {
  try {
    const claims = await verify(accessToken);
    requireUse(claims, { connectionId });
    return claims;
  } catch (error) {
    if (httpStatusOf[toAppError(error).code] === 401) return undefined;
    throw error;
  }
}
