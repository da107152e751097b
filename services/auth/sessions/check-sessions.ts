import type { Clock } from "#shared/time/clock.ts";
import type { FindSubject } from "../users/user-directory.ts";
import { RENEWAL_MARGIN_MS, type Revocations, type SessionActivity, type SessionRecord } from "./session.ts";

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
}

/** How a session stands, how much longer a stream of it may live, and what its subject holds now. */
export type SessionStanding =
  | {
      readonly state: "live";
      readonly remainingMs: number;
      readonly roles: readonly string[];
      readonly groups: readonly string[];
    }
  | { readonly state: "expired" | "revoked" };

/**
 * Answers in the order of the questions. It sees every revocation that was answered before it was called.
 * @throws {AppError} `unavailable` when the revocations, or for an extension the sessions, cannot be read.
 */
export type CheckSessions = (questions: readonly SessionQuestion[]) => Promise<SessionStanding[]>;

interface CheckPath {
  readonly revocations: Revocations;
  readonly sessions: SessionActivity;
  readonly findSubject: FindSubject;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}

/**
 * Makes the check. Many questions about one session in a batch cost one read. An extension counts as activity; a subject who
 * is disabled or gone has no live session, whatever Redis knows of them.
 */
export function createSessionCheck(path: CheckPath): CheckSessions {
  return (questions) => {
    const isRevoked = askOnce((tenant, sid, loginAt) => path.revocations.includes(tenant, sid, loginAt));
    const recordOf = askOnce((_tenant, sid) => path.sessions.touch(sid));
    const answer = async (question: SessionQuestion): Promise<SessionStanding> => {
      const { tenant, sid, subject, extend, loginAt } = question;
      const [revoked, record] = await Promise.all([
        isRevoked(tenant, sid, loginAt),
        extend ? recordOf(tenant, sid) : undefined,
      ]);
      const holder = path.findSubject(tenant, subject);
      if (revoked || holder === undefined) return { state: "revoked" };
      const remainingMs = extend
        ? extensionMs(path, question, record)
        : question.tokenExpiresAt * 1000 - path.clock.wall();
      if (remainingMs <= 0) return { state: "expired" };
      return { state: "live", remainingMs, roles: holder.roles, groups: holder.groups };
    };
    return Promise.all(questions.map(answer));
  };
}

/** What a session without a new token can be given: one more access token's life, and nothing past its end. */
function extensionMs(path: CheckPath, { tenant, subject }: SessionQuestion, record: SessionRecord | undefined): number {
  const isTheirs = record?.isLive === true && record.tenant === tenant && record.subject === subject;
  if (!isTheirs) return 0;
  const remainingMs = record.endsAt - path.clock.wall();
  return remainingMs < RENEWAL_MARGIN_MS ? 0 : Math.min(path.accessTokenSeconds * 1000, remainingMs);
}

function askOnce<Answer>(ask: (tenant: string, sid: string, loginAt?: string) => Promise<Answer>): typeof ask {
  const asked = new Map<string, Promise<Answer>>();
  return (tenant, sid, loginAt) => {
    const key = `${tenant}.${sid}.${loginAt}`;
    const answer = asked.get(key) ?? ask(tenant, sid, loginAt);
    asked.set(key, answer);
    return answer;
  };
}
