import { singleFlight } from "#shared/async/single-flight.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { FindSubject } from "../users/user-directory.ts";
import type { Revocations, SessionActivity, SessionRecord } from "./session.ts";

/** May this stream go on? */
export interface SessionQuestion {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  /** The access token's `exp`, in seconds since 1970. */
  readonly tokenExpiresAt: number;
  /** Asks for more than the token gives. */
  readonly extend: boolean;
  /** When the session began, in RFC 3339. */
  readonly loginAt?: string | undefined;
  /** The key that signed the access token, where it is to be checked. */
  readonly kid?: string | undefined;
}

/** A session's state, how much longer a stream of it may live, and its subject's account now. */
export type SessionStanding =
  | {
      readonly state: "live";
      readonly remainingMs: number;
      /** The session cannot be prolonged: no later question gets a later end. */
      readonly isFinal: boolean;
      readonly roles: readonly string[];
      readonly groups: readonly string[];
    }
  | { readonly state: "expired" | "revoked" };

/**
 * Answers in the order of the questions. It sees every revocation that was answered before it was called.
 * @throws {AppError} `unavailable` when the revocations, or for an extension the sessions, cannot be read.
 */
export type CheckSessions = (questions: readonly SessionQuestion[]) => Promise<SessionStanding[]>;

interface CheckSessionsDeps {
  readonly revocations: Revocations;
  readonly sessions: SessionActivity;
  readonly findSubject: FindSubject;
  /** The keys that verify access tokens now. */
  readonly keys: { readonly jwks: { readonly keys: readonly { readonly kid?: string }[] } };
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}

/**
 * Makes the check. Many questions about one session in a batch cost one read. An extension counts as activity; a subject who
 * is disabled or gone has no live session, whatever Redis knows of them.
 */
export function createSessionCheck(deps: CheckSessionsDeps): CheckSessions {
  const { revocations, sessions, findSubject, keys, accessTokenSeconds, clock } = deps;
  return (questions) => {
    // All ask in this tick, so that those who share an answer asked before it was read.
    const [reads, touches] = [singleFlight<boolean>(), singleFlight<SessionRecord | undefined>()];
    const answer = async (question: SessionQuestion): Promise<SessionStanding> => {
      const { tenant, sid, subject, extend, loginAt, kid } = question;
      const [revoked, record] = await Promise.all([
        reads(compositeKey(tenant, sid, loginAt ?? ""), () => revocations.includes(tenant, sid, loginAt)),
        extend ? touches(sid, () => sessions.touch(sid)) : undefined,
      ]);
      const holder = findSubject(tenant, subject);
      const isSigned = kid === undefined || keys.jwks.keys.some((key) => key.kid === kid);
      if (revoked || holder === undefined || !isSigned) return { state: "revoked" };
      const now = clock.wall();
      const tokenMs = question.tokenExpiresAt * 1000 - now;
      const { remainingMs, isFinal } = extend
        ? extendedLife(record, question, { tokenMs, accessTokenMs: accessTokenSeconds * 1000, now })
        : { remainingMs: tokenMs, isFinal: false };
      if (remainingMs <= 0) return { state: "expired" };
      return { state: "live", remainingMs, isFinal, roles: holder.roles, groups: holder.groups };
    };
    return Promise.all(questions.map(answer));
  };
}

/**
 * One more access token's life, down to the very end of the session. The margin in which nothing is renewed is not taken off:
 * it makes a user log in again in time, and must not cut a stream before its announced end.
 */
function extendedLife(
  record: SessionRecord | undefined,
  { tenant, subject }: SessionQuestion,
  { tokenMs, accessTokenMs, now }: { tokenMs: number; accessTokenMs: number; now: number },
): { readonly remainingMs: number; readonly isFinal: boolean } {
  const isTheirs = record?.isLive === true && record.tenant === tenant && record.subject === subject;
  // A session that Redis lost cannot be prolonged. Its token is good all the same, as it is for a new stream.
  if (!isTheirs) return { remainingMs: tokenMs, isFinal: true };
  const sessionMs = record.endsAt - now;
  const remainingMs = Math.min(Math.max(tokenMs, accessTokenMs), sessionMs);
  return { remainingMs, isFinal: remainingMs === sessionMs };
}
