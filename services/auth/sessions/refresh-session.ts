import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { RefreshToken } from "../tokens/refresh-token.ts";
import type { FindSubject } from "../users/user-directory.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { Revocations, SessionStore } from "./session.ts";

/**
 * Spends a refresh token and issues its successor with a new access token.
 * @throws {AppError} `token_reused` after the session was revoked, `session_ended`, or `unavailable`.
 */
export type RefreshSession = (token: RefreshToken, origin: { readonly address: string }) => Promise<IssuedTokens>;

interface RefreshPath {
  readonly sessions: SessionStore;
  readonly revocations: Revocations;
  readonly findSubject: FindSubject;
  readonly revoke: RevokeSession;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly log: Logger;
}

/** Makes the refresh: spend, check that nothing ended the session, issue. */
export function createRefreshSession(path: RefreshPath): RefreshSession {
  const { sessions, revocations, findSubject, revoke, issueTokens, audit, log } = path;
  return async ({ family, generation }, { address }) => {
    const rotation = await sessions.rotate(family, generation);
    if (rotation.verdict === "unknown") throw sessionEnded();
    const { session, verdict } = rotation;
    const { tenant, sid, subject } = session;
    const refuse = (reason: string): AppError => {
      audit.note({ event: "refresh_refused", tenant, subject, sid, address, reason });
      return sessionEnded();
    };
    if (verdict === "reused") {
      log.warn({ tenant, sid, subject, generation }, "a spent refresh token came back; its session is revoked");
      await revoke(session, { reason: "reused", address });
      throw new AppError("token_reused", "the refresh token was used before; the session has ended");
    }
    if (verdict !== "rotated" && verdict !== "repeated") throw refuse(verdict);
    // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
    if (await revocations.includes(tenant, sid, session.loginAt)) {
      await sessions.end(sid);
      throw refuse("ended");
    }
    const holder = findSubject(tenant, subject);
    if (holder === undefined) {
      await revoke(session, { reason: "user_gone", address });
      throw refuse("user_gone");
    }
    const tokens = await issueTokens(session, holder, generation + 1);
    if (verdict === "rotated") audit.note({ event: "refreshed", tenant, subject, sid, address });
    return tokens;
  };
}

function sessionEnded(): AppError {
  return new AppError("session_ended", "the session has ended; log in again");
}
