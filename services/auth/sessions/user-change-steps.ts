import type { Audit } from "../audit/audit.ts";
import { endSessions } from "./end-sessions.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { SessionIndex } from "./session.ts";
import type { UserChange } from "../users/watch-users.ts";

/**
 * Appends to the tenant's log that a subject's claims changed, so that every edge asks again. Idempotent; throws AppError
 * `unavailable` when the log did not store it.
 */
export type AnnounceChange = (tenant: string, subject: string) => Promise<void>;

interface UserChangeDeps {
  readonly announce: AnnounceChange;
  readonly sessions: SessionIndex;
  readonly revoke: RevokeSession;
  readonly audit: Audit;
}

/**
 * The steps of a user's change. The log comes first: an edge that asks again learns that a user who is gone has no live
 * session, also while Redis, which knows their sessions, is down.
 */
export function createUserChangeSteps({ announce, sessions, revoke, audit }: UserChangeDeps) {
  return ({ kind, tenant, username: subject }: UserChange): (() => Promise<void>)[] => {
    const announceIt = () => announce(tenant, subject);
    const endThem = () =>
      endSessions(sessions, { tenant, subject }, (session) => revoke(session, { reason: "user_gone" }));
    const event = kind === "gone" ? "user_disabled" : "user_changed";
    const noteIt = () => audit.record({ event, tenant, subject });
    return kind === "gone" ? [announceIt, endThem, noteIt] : [announceIt, noteIt];
  };
}
