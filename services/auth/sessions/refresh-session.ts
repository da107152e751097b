import { LRUCache } from "lru-cache";
import { formatScope, type Scope, scopeCovers } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { RefreshToken } from "../tokens/refresh-token.ts";
import type { FindSubject, User } from "../users/user-directory.ts";
import { endFamily } from "./end-family.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { RefreshStanding, Revocations, Session, SessionStore } from "./session.ts";

/**
 * Spends a refresh token and issues its successor with a new access token.
 * @throws {AppError} `scope_invalid` where more is asked for than the session has; `token_reused` after the session was revoked, `session_ended`, or `unavailable`: then the token is as good
 * as before.
 */
export type RefreshSession = (token: RefreshToken, request: RefreshRequest) => Promise<IssuedTokens>;

/** Where a refresh comes from, and what it asks for. */
export interface RefreshRequest {
  readonly address: string;
  /** What the new access token shall be limited to; undefined for all that its session is. */
  readonly scope?: Scope | undefined;
}

interface RefreshSessionDeps {
  readonly sessions: Pick<SessionStore, "peek" | "rotate" | "end">;
  readonly revocations: Pick<Revocations, "includes">;
  readonly findSubject: FindSubject;
  readonly revoke: RevokeSession;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly log: LimitedLog;
}

type NoteRefusal = (session: Session, address: string, reason: "idle" | "lifetime") => void;

interface RefreshSteps extends RefreshSessionDeps {
  readonly noteRefusal: NoteRefusal;
}

/** How many sessions are remembered whose refusal stands in the audit trail. */
const MAX_NOTED = 10_000;

/** Makes the refresh. All that can fail is asked first, and the token is spent last: after `unavailable` it is still good. */
export function createRefreshSession(given: RefreshSessionDeps): RefreshSession {
  const { sessions, issueTokens, audit } = given;
  const deps = { ...given, noteRefusal: createRefusalNote(audit) };
  return async ({ family, generation }, { address, scope }) => {
    const seen = await sessions.peek(family, generation);
    // A stolen token's family must be dead even while its end cannot be recorded.
    const standing = seen.verdict === "reused" ? await sessions.rotate(family, generation) : seen;
    const session = await usableSession(deps, standing, address);
    const holder = await holderOf(deps, session, address);
    const tokens = await issueTokens({ ...session, scope: narrowed(session, scope) }, holder, generation + 1);
    const rotation = await sessions.rotate(family, generation);
    const { tenant, sid, subject } = await usableSession(deps, rotation, address);
    if (rotation.verdict === "rotated") audit.note({ event: "refreshed", tenant, subject, sid, address });
    return tokens;
  };
}

/** The scope of a new access token, which is never wider than its session's (RFC 6749, section 6). */
function narrowed({ scope: granted }: Session, asked: Scope | undefined): Scope | undefined {
  if (granted === undefined || asked === undefined) return asked ?? granted;
  if (scopeCovers(granted, asked)) return asked;
  throw new AppError("scope_invalid", `the session is limited to "${formatScope(granted)}"; ask for no more than that`);
}

/** The session of a token that can be spent, or has just been. */
async function usableSession(deps: RefreshSteps, standing: RefreshStanding, address: string): Promise<Session> {
  if (standing.verdict === "unknown") throw sessionEnded();
  const { verdict, session } = standing;
  switch (verdict) {
    case "current":
    case "rotated":
    case "repeated":
      return session;
    case "reused":
      throw await endFamily(deps, session, { address });
    case "ended":
      throw sessionEnded();
    case "idle":
    case "lifetime":
      deps.noteRefusal(session, address, verdict);
      throw sessionEnded();
  }
}

/** Who the session is of, if neither has ended. */
async function holderOf(deps: RefreshSteps, session: Session, address: string): Promise<User> {
  const { sessions, revocations, findSubject, revoke, log } = deps;
  const { tenant, sid, subject, loginAt } = session;
  const holder = findSubject(tenant, subject);
  if (holder === undefined) {
    // Before the revocations are asked: an end that was recorded and not announced is then announced.
    await revoke(session, { reason: "user_gone", address });
    throw sessionEnded();
  }
  // A Redis that lost its tail may take an ended session for a live one. The revocations never do.
  if (!(await revocations.includes(tenant, sid, loginAt))) return holder;
  await sessions.end(sid).catch((error: Error) => {
    log.write(
      "warn",
      "session mark",
      { tenant, sid, reason: error.message },
      "a revoked session could not be marked in Redis",
    );
  });
  throw sessionEnded();
}

/** Audits why a session could not be refreshed, once for each reason: its token may be presented for ever. */
function createRefusalNote(audit: Audit): NoteRefusal {
  const noted = new LRUCache<string, true>({ max: MAX_NOTED });
  return ({ tenant, sid, subject }, address, reason) => {
    if (noted.has(`${sid}.${reason}`)) return;
    noted.set(`${sid}.${reason}`, true);
    audit.note({ event: "refresh_refused", tenant, subject, sid, address, reason });
  };
}

function sessionEnded(): AppError {
  return new AppError("session_ended", "the session has ended; log in again");
}
