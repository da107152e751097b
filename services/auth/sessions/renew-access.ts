import { toAppError } from "#shared/errors/app-error.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { IssueTokens } from "../tokens/issue-tokens.ts";
import { parseRefreshToken, type RefreshToken } from "../tokens/refresh-token.ts";
import type { FindSubject } from "../users/user-directory.ts";
import { RENEWAL_MARGIN_MS, type Revocations, type SessionStore } from "./session.ts";

/** A new access token of a session, and how long that can last. */
export interface RenewedAccess {
  readonly accessToken: string;
  readonly sessionRemainingSeconds: number;
}

/**
 * Issues an access token for a refresh token that could be used right now, without using it; undefined for any other.
 * @throws {AppError} `unavailable` when that cannot be found out.
 */
export type RenewAccess = (refreshToken: string) => Promise<RenewedAccess | undefined>;

interface RenewAccessDeps {
  readonly sessions: Pick<SessionStore, "peek">;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
  readonly issueTokens: IssueTokens;
  readonly keys: Pick<Keys, "refresh">;
}

/** Makes the renewal of a handshake: nothing is rotated, so that the browser stays the only one who does. */
export function createAccessRenewal(deps: RenewAccessDeps): RenewAccess {
  return async (refreshToken) => {
    try {
      return await renew(deps, parseRefreshToken(refreshToken, deps.keys.refresh));
    } catch (error) {
      if (["token_invalid", "session_ended"].includes(toAppError(error).code)) return undefined;
      throw error;
    }
  };
}

async function renew(deps: RenewAccessDeps, token: RefreshToken): Promise<RenewedAccess | undefined> {
  const standing = await deps.sessions.peek(token.family, token.generation);
  if (standing.verdict !== "current" && standing.verdict !== "repeated") return undefined;
  // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
  const { tenant, sid, subject, loginAt } = standing.session;
  const user = deps.findSubject(tenant, subject);
  if (user === undefined || (await deps.revocations.includes(tenant, sid, loginAt))) return undefined;
  const { accessToken, sessionRemainingSeconds } = await deps.issueTokens(standing.session, user, token.generation);
  if (sessionRemainingSeconds * 1_000 < RENEWAL_MARGIN_MS) return undefined;
  return { accessToken, sessionRemainingSeconds };
}
