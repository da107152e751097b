import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import type { AuditEntry } from "../../services/auth/audit/audit.ts";
import type { LoginThrottle } from "../../services/auth/sessions/login-throttle.ts";
import type { RefreshStanding, Session, SessionRecord } from "../../services/auth/sessions/session.ts";
import type { User } from "../../services/auth/users/user-directory.ts";

const GRACE_MS = 10_000;

/** A step that fails: before it does anything, or after it, with its answer lost. */
export interface Fault {
  readonly step: string;
  readonly isDone: boolean;
}

/** What a fake session store keeps of a session. */
interface StoredSession {
  readonly session: Session;
  generation: number;
  spentAt: number;
  isUnanswered: boolean;
  ended?: "reused" | "recorded";
}

/** auth's ports in memory: they note each step, and one of them fails. */
export function createAuthWorld() {
  const state = {
    now: 1_800_000_000_000,
    attempts: 0,
    stored: new Map<string, StoredSession>(),
    revoked: new Set<string>(),
    settled: new Set<string>(),
    announced: [] as string[],
    entries: [] as AuditEntry[],
    isUserThere: true,
    steps: [] as string[],
    fault: undefined as Fault | undefined,
  };
  const ann: User = { tenant: "acme", username: "ann", roles: [], groups: [] };

  /** Runs a step, unless it is the one that fails. */
  async function step<Answer>(name: string, act: () => Answer, onLost: () => void = () => {}): Promise<Answer> {
    state.steps.push(name);
    const isFailing = state.fault?.step === name;
    if (isFailing && state.fault?.isDone === false) throw new AppError("unavailable", `${name} is away`);
    const answer = act();
    if (!isFailing) return answer;
    onLost();
    throw new AppError("unavailable", `the answer of ${name} was lost`);
  }

  const throttle: LoginThrottle = {
    admit: () => step("throttle.admit", () => ({ waitSeconds: ++state.attempts > 10 ? 300 : 0, slowMs: 0 })),
    forget: () => step("throttle.forget", () => void (state.attempts = 0)),
    discount: async () => void (state.attempts = Math.max(0, state.attempts - 1)),
  };
  const users = {
    knows: () => ({ user: true, tenant: true }),
    find: () => (state.isUserThere ? ann : undefined),
    authenticate: () => step("users.authenticate", () => ann),
  };
  const clients = {
    find: () => ann,
    findCertified: () => undefined,
    confirm: () => step("clients.confirm", () => true),
    authenticate: async (_id: string, _secret: string, _owner: string, admit: () => Promise<void>) => {
      await admit();
      return step("clients.authenticate", () => ann);
    },
  };
  const sessions = {
    create: (session: Session) =>
      step("sessions.create", () => {
        state.stored.set(session.sid, { session, generation: 1, spentAt: 0, isUnanswered: false });
      }),
    find: (sid: string) => step("sessions.find", () => recordOf(state.stored.get(sid))),
    touch: (sid: string) => step("sessions.touch", () => recordOf(state.stored.get(sid))),
    peek: (sid: string, generation: number) => step("sessions.peek", () => standingOf(sid, generation, false)),
    rotate: (sid: string, generation: number) =>
      step(
        "sessions.rotate",
        () => standingOf(sid, generation, true),
        () => void (state.stored.get(sid)!.isUnanswered = true),
      ),
    renew: (sid: string, generation: number) =>
      step("sessions.renew", () => ({ ...standingOf(sid, generation, false), issuedAt: state.now, isNew: true })),
    end: (sid: string) =>
      step("sessions.end", () => {
        const stored = state.stored.get(sid);
        if (stored !== undefined) stored.ended = "recorded";
      }),
    ofSubject: (_tenant: string, _subject: string, from = 0) =>
      step("sessions.ofSubject", () =>
        [...state.stored.values()]
          .flatMap((each) => (each.ended === undefined ? [recordOf(each)!] : []))
          .slice(from, from + 1_000),
      ),
    beyond: () => step("sessions.beyond", (): SessionRecord[] => []),
    count: async () => state.stored.size,
  };

  function standingOf(sid: string, generation: number, spends: boolean): RefreshStanding {
    const stored = state.stored.get(sid);
    if (stored === undefined) return { verdict: "unknown" };
    const { session } = stored;
    if (stored.ended !== undefined) return { verdict: stored.ended === "recorded" ? "ended" : "reused", session };
    if (generation >= stored.generation) {
      if (!spends) return { verdict: "current", session };
      Object.assign(stored, { generation: generation + 1, spentAt: state.now });
      return { verdict: "rotated", session };
    }
    const isLate = !stored.isUnanswered && state.now - stored.spentAt > GRACE_MS;
    if (generation === stored.generation - 1 && !isLate) return { verdict: "repeated", session };
    if (spends) stored.ended = "reused";
    return { verdict: "reused", session };
  }

  function recordOf(stored: StoredSession | undefined): SessionRecord | undefined {
    if (stored === undefined) return undefined;
    const { session, generation, ended } = stored;
    return { ...session, generation, isLive: ended === undefined, lastSeenAt: state.now };
  }

  const revocations = {
    isSettled: (_tenant: string, sid: string) => step("revocations.isSettled", () => state.settled.has(sid)),
    settle: (_tenant: string, sid: string) => step("revocations.settle", () => void state.settled.add(sid)),
    record: (_tenant: string, sid: string) => step("revocations.record", () => void state.revoked.add(sid)),
    includes: (_tenant: string, sid: string) => step("revocations.includes", () => state.revoked.has(sid)),
  };
  return {
    state,
    throttle,
    users,
    clients,
    sessions,
    revocations,
    announce: (_tenant: string, name: string) => step("log.announce", () => void state.announced.push(name)),
    issueTokens: ({ sid }: { readonly sid: string }, _holder: unknown, generation: number) =>
      step("tokens.issue", () => ({
        accessToken: "access",
        refreshToken: `${sid}.${generation}`,
        expiresInSeconds: 300,
        sid,
        sessionRemainingSeconds: 3_600,
      })),
    audit: {
      note: (entry: AuditEntry) => void state.entries.push(entry),
      record: async (entry: AuditEntry) => void state.entries.push(entry),
    },
    clock: { wall: () => state.now, monotonic: () => state.now },
    log: limitLines(createLogger("test", "silent")),
    /** A session of ann's whose refresh tokens up to this generation have been spent, long ago. */
    logIn(spent = 0): string {
      const sid = `S${state.stored.size + 1}`;
      const loginAt = new Date(state.now).toISOString();
      const names = { sid, tenant: "acme", subject: "ann", clientId: "web", device: "curl" };
      const session: Session = { ...names, loginAt, endsAt: state.now + 3_600_000 };
      state.stored.set(sid, { session, generation: spent + 1, spentAt: 0, isUnanswered: false });
      return sid;
    },
    liveSessions: () => [...state.stored.values()].filter(({ ended }) => ended === undefined).length,
  };
}

/** auth's ports in memory. */
export type AuthWorld = ReturnType<typeof createAuthWorld>;
