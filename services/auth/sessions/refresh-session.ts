import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { RefreshToken } from "../tokens/refresh-token.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { Revocations, SessionStore } from "./session.ts";

/**
 * Spends a refresh token and issues its successor with a new access token.
 * @throws {AppError} `token_reused` after the session was revoked, `session_ended`, or `unavailable`.
 */
export type RefreshSession = (token: RefreshToken) => Promise<IssuedTokens>;

interface RefreshPath {
  readonly sessions: SessionStore;
  readonly revocations: Revocations;
  readonly users: UserDirectory;
  readonly revoke: RevokeSession;
  readonly issueTokens: IssueTokens;
  readonly log: Logger;
}

/** Makes the refresh: spend, check that nothing ended the session, issue. */
export function createRefreshSession(path: RefreshPath): RefreshSession {
  const { sessions, revocations, users, revoke, issueTokens, log } = path;
  return async ({ family, generation }) => {
    const rotation = await sessions.rotate(family, generation);
    if (rotation.verdict === "ended") throw sessionEnded();
    const { session } = rotation;
    const { tenant, sid, subject } = session;
    if (rotation.verdict === "reused") {
      log.warn({ tenant, sid, subject, generation }, "a spent refresh token came back; its session is revoked");
      await revoke(session);
      throw new AppError("token_reused", "the refresh token was used before; the session has ended");
    }
    // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
    if (await revocations.includes(tenant, sid)) {
      await sessions.end(sid);
      throw sessionEnded();
    }
    const user = users.find(tenant, subject);
    if (user !== undefined) return issueTokens(session, user, generation + 1);
    await revoke(session);
    throw sessionEnded();
  };
}

function sessionEnded(): AppError {
  return new AppError("session_ended", "the session has ended; log in again");
}
