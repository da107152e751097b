import { AppError, toAppError } from "#shared/errors/app-error.ts";
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

/** Whether a refresh token's generation could be spent right now. Throws AppError `unavailable` when nobody answers. */
export type RefreshStanding = (token: RefreshToken) => Promise<boolean>;

interface RenewalPath {
  readonly sessions: Pick<SessionStore, "find">;
  readonly stands: RefreshStanding;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
  readonly issueTokens: IssueTokens;
  readonly keys: Pick<Keys, "refresh">;
}

/** Makes the renewal of a handshake: nothing is rotated, so that the browser stays the only one who does. */
export function createAccessRenewal(path: RenewalPath): RenewAccess {
  return async (refreshToken) => {
    try {
      return await renew(path, parseRefreshToken(refreshToken, path.keys.refresh));
    } catch (error) {
      if (["token_invalid", "session_ended"].includes(toAppError(error).code)) return undefined;
      throw error;
    }
  };
}

async function renew(path: RenewalPath, token: RefreshToken): Promise<RenewedAccess> {
  const [session, stands] = await Promise.all([path.sessions.find(token.family), path.stands(token)]);
  if (session?.isLive !== true || !stands) throw sessionEnded();
  // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
  const { tenant, sid, subject, loginAt } = session;
  const user = path.findSubject(tenant, subject);
  if (user === undefined || (await path.revocations.includes(tenant, sid, loginAt))) throw sessionEnded();
  const { accessToken, sessionRemainingSeconds } = await path.issueTokens(session, user, token.generation);
  if (sessionRemainingSeconds * 1_000 < RENEWAL_MARGIN_MS) throw sessionEnded();
  return { accessToken, sessionRemainingSeconds };
}

function sessionEnded(): AppError {
  return new AppError("session_ended", "the session has ended; log in again");
}
