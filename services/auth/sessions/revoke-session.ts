import type { Logger } from "#shared/log/create-logger.ts";
import type { Revocations, Session, SessionStore } from "./session.ts";

/** Appends a session's end to its tenant's log. Idempotent; throws AppError `unavailable` when the log did not store it. */
export type AnnounceRevocation = (tenant: string, sid: string) => Promise<void>;

/** Ends a session for good. Idempotent; after a failure it may have taken force in part, and trying again is right. */
export type RevokeSession = (session: Pick<Session, "tenant" | "sid">) => Promise<void>;

interface RevocationPath {
  readonly revocations: Revocations;
  readonly announce: AnnounceRevocation;
  readonly sessions: SessionStore;
  readonly log: Logger;
}

/**
 * Revokes in the order that makes the answer true: first what every check reads, then the log that cuts the streams. Redis
 * comes last and may fail, because whoever reads a session there asks the revocations too.
 */
export function createSessionRevoker({ revocations, announce, sessions, log }: RevocationPath): RevokeSession {
  return async ({ tenant, sid }) => {
    await revocations.record(tenant, sid);
    await announce(tenant, sid);
    await sessions.end(sid).catch((error: Error) => {
      log.warn({ tenant, sid, reason: error.message }, "a revoked session could not be marked in Redis");
    });
  };
}
