import { randomBytes } from "node:crypto";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { User } from "../users/user-directory.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Session, SessionStore } from "./session.ts";

interface StartSessionDeps {
  readonly sessions: Pick<SessionStore, "create" | "end">;
  readonly issueTokens: IssueTokens;
  readonly clock: Clock;
}

/** A session that was stored, and its first tokens. */
export interface StartedSession {
  readonly session: Session;
  readonly tokens: IssuedTokens;
}

/**
 * Starts a session that lasts so many seconds at most. Its tokens are signed before it is stored: a session without
 * tokens would appear in its owner's list.
 * @throws {AppError} `unavailable` when it cannot.
 */
export async function startSession(
  { sessions, issueTokens, clock }: StartSessionDeps,
  holder: User,
  { lifeSeconds, ...client }: Pick<Session, "clientId" | "device" | "scope"> & { readonly lifeSeconds: number },
): Promise<StartedSession> {
  const now = clock.wall();
  const session: Session = {
    sid: randomBytes(16).toString("base64url"),
    tenant: holder.tenant,
    subject: holder.username,
    ...client,
    loginAt: new Date(now).toISOString(),
    endsAt: now + lifeSeconds * 1000,
  };
  const tokens = await issueTokens(session, holder, 1);
  try {
    await sessions.create(session);
  } catch (error) {
    // It may have been stored all the same. Redis runs commands in their order, so this finds what comes late, too.
    sessions.end(session.sid).catch(() => undefined);
    throw error;
  }
  return { session, tokens };
}
