import type { Logger } from "#shared/log/create-logger.ts";
import type { Audit } from "../audit/audit.ts";
import type { Revocations, Session, SessionStore } from "./session.ts";

/** Appends a session's end to its tenant's log. Idempotent; throws AppError `unavailable` when the log did not store it. */
export type AnnounceRevocation = (tenant: string, sid: string) => Promise<void>;

/** Why a session is ended, and who ends it if not its owner. */
export interface RevocationCause {
  readonly reason: "logout" | "token_revoked" | "deleted" | "reused" | "user_gone";
  readonly by?: string;
  readonly address?: string;
}

/** Ends a session for good. Idempotent; after a failure it may have taken force in part, and trying again is right. */
export type RevokeSession = (
  session: Pick<Session, "tenant" | "sid" | "subject">,
  cause: RevocationCause,
) => Promise<void>;

interface RevokeSessionDeps {
  readonly revocations: Revocations;
  readonly announce: AnnounceRevocation;
  readonly sessions: Pick<SessionStore, "end">;
  readonly audit: Audit;
  readonly log: Logger;
}

const eventOf = {
  logout: "revoked",
  token_revoked: "revoked",
  user_gone: "revoked",
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
  return async ({ tenant, sid, subject }, cause) => {
    await revocations.record(tenant, sid);
    await announce(tenant, sid);
    const marked = sessions.end(sid).catch((error: Error) => {
      log.warn({ tenant, sid, reason: error.message }, "a revoked session could not be marked in Redis");
    });
    await Promise.all([marked, audit.record({ event: eventOf[cause.reason], tenant, subject, sid, ...cause })]);
  };
}
