import { singleFlight } from "#shared/async/single-flight.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Audit } from "../audit/audit.ts";
import type { Revocations, Session, SessionStore } from "./session.ts";

/** Appends a session's end to its tenant's log. Idempotent; throws AppError `unavailable` when the log did not store it. */
export type AnnounceRevocation = (tenant: string, sid: string) => Promise<void>;

/** Why a session is ended, and who ends it if not its owner. */
export interface RevocationCause {
  readonly reason: "logout" | "token_revoked" | "deleted" | "reused" | "user_gone" | "client_withdrawn" | "too_many";
  readonly by?: string;
  readonly address?: string;
}

/** The session to end. */
export type EndedSession = Pick<Session, "tenant" | "sid" | "subject" | "loginAt">;

/**
 * Ends a session for good. After a failure it may have taken force in part, and trying again is right. An end that took force
 * is not written again, neither to the log nor to the audit trail: a session that is over can write nothing.
 */
export type RevokeSession = (session: EndedSession, cause: RevocationCause) => Promise<void>;

interface RevokeSessionDeps {
  readonly revocations: Revocations;
  readonly announce: AnnounceRevocation;
  readonly sessions: Pick<SessionStore, "end">;
  readonly audit: Audit;
  readonly log: LimitedLog;
}

const eventOf = {
  logout: "revoked",
  token_revoked: "revoked",
  user_gone: "revoked",
  client_withdrawn: "revoked",
  too_many: "revoked",
  deleted: "session_deleted",
  reused: "reused",
} as const satisfies Record<RevocationCause["reason"], string>;

/**
 * Revokes in the order that makes the answer true: first what every check reads, then the log that cuts the streams. Redis
 * comes last and may fail: every reader of a session there asks the revocations too. The audit reports its own failures.
 */
export function createSessionRevoker({
  revocations,
  announce,
  sessions,
  audit,
  log,
}: RevokeSessionDeps): RevokeSession {
  // Whoever comes while an end is written shares it, and its failure.
  const ending = singleFlight<void>();
  const end = async ({ tenant, sid, subject, loginAt }: EndedSession, cause: RevocationCause): Promise<void> => {
    if (await revocations.isSettled(tenant, sid, loginAt)) return;
    await revocations.record(tenant, sid);
    await announce(tenant, sid);
    const warn = (what: string) => (error: Error) =>
      log.write("warn", what, { tenant, sid, reason: error.message }, what);
    await Promise.all([
      sessions.end(sid).catch(warn("a revoked session could not be marked in Redis")),
      revocations.settle(tenant, sid).catch(warn("a revocation that is in force may be written again")),
      audit.record({ event: eventOf[cause.reason], tenant, subject, sid, ...cause }),
    ]);
  };
  return (session, cause) => ending(`${session.tenant}.${session.sid}`, () => end(session, cause));
}
