import type { Clock } from "#shared/time/clock.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { Revocations, SessionRecord, SessionStore } from "./session.ts";

/** May this stream go on? */
export interface SessionQuestion {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  /** The access token's `exp`, in seconds since 1970. */
  readonly tokenExpiresAt: number;
  /** Asks for more than the token gives. */
  readonly extend: boolean;
}

/** How a session stands, and how much longer a stream of it may live. */
export type SessionStanding =
  | { readonly state: "live"; readonly remainingMs: number }
  | { readonly state: "expired" | "revoked" };

/**
 * Answers in the order of the questions. It sees every revocation that was answered before it was called.
 * @throws {AppError} `unavailable` when the revocations, or for an extension the sessions, cannot be read.
 */
export type CheckSessions = (questions: readonly SessionQuestion[]) => Promise<SessionStanding[]>;

interface CheckPath {
  readonly revocations: Revocations;
  readonly sessions: SessionStore;
  readonly users: UserDirectory;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}

/** An extension shorter than this is not worth a round trip. */
const MIN_EXTENSION_MS = 1_000;

/** Makes the check. Many questions about one session in a batch cost one read. */
export function createSessionCheck(path: CheckPath): CheckSessions {
  return (questions) => {
    const isRevoked = askOnce((tenant, sid) => path.revocations.includes(tenant, sid));
    const recordOf = askOnce((_tenant, sid) => path.sessions.find(sid));
    const answer = async (question: SessionQuestion): Promise<SessionStanding> => {
      const { tenant, sid, extend } = question;
      const [revoked, record] = await Promise.all([isRevoked(tenant, sid), extend ? recordOf(tenant, sid) : undefined]);
      if (revoked) return { state: "revoked" };
      const remainingMs = extend
        ? extensionMs(path, question, record)
        : question.tokenExpiresAt * 1000 - path.clock.wall();
      return remainingMs > 0 ? { state: "live", remainingMs } : { state: "expired" };
    };
    return Promise.all(questions.map(answer));
  };
}

/** What a session without a new token can be given: one more access token's life, and nothing past its end. */
function extensionMs(path: CheckPath, { tenant, subject }: SessionQuestion, record: SessionRecord | undefined): number {
  const isTheirs = record?.isLive === true && record.tenant === tenant && record.subject === subject;
  if (!isTheirs || path.users.find(tenant, subject) === undefined) return 0;
  const remainingMs = Math.min(path.accessTokenSeconds * 1000, record.endsAt - path.clock.wall());
  return remainingMs < MIN_EXTENSION_MS ? 0 : remainingMs;
}

function askOnce<Answer>(ask: (tenant: string, sid: string) => Promise<Answer>): typeof ask {
  const asked = new Map<string, Promise<Answer>>();
  return (tenant, sid) => {
    const key = `${tenant}.${sid}`;
    const answer = asked.get(key) ?? ask(tenant, sid);
    asked.set(key, answer);
    return answer;
  };
}
