import {
  type CheckSessionsRequest,
  type CheckSessionsResponse,
  type FindSubjectsRequest,
  type FindSubjectsResponse,
  SessionServiceService,
  SessionState,
} from "#proto/auth/v1/session.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { startGrpcServer, unaryHandler } from "#shared/grpc/start-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";

/** What somebody holds. */
interface Held {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** An auth for tests of policy alone: it says of people what a test says they hold now. */
export interface People extends AsyncDisposable {
  readonly url: string;
  /** Whether it answers nothing. */
  isAway: boolean;
  /** From now on they hold this, and nothing else. */
  hold(tenant: string, subject: string, held: Held): void;
  endSession(sid: string): void;
}

const NOTHING: Held = { roles: [], groups: [] };

/** Starts it. A session lives until it is ended, whoever's it is. */
export async function startPeople(): Promise<People> {
  const held = new Map<string, Held>();
  const ended = new Set<string>();
  const log = limitLines(createLogger("people", "silent"));
  const find = (tenant: string, subject: string): Held | undefined => held.get(`${tenant} ${subject}`);
  const requireHere = (): void => {
    if (people.isAway) throw new AppError("unavailable", "away");
  };
  const checkSessions = unaryHandler<CheckSessionsRequest, CheckSessionsResponse>(log, async ({ questions }) => {
    requireHere();
    const answers = questions.map(({ tenant, subject, sid, contextId }) => {
      const { roles, groups } = find(tenant, subject) ?? NOTHING;
      const state = ended.has(sid) ? SessionState.REVOKED : SessionState.LIVE;
      const rights = { roles: [...roles], groups: [...groups], claimsKnown: true };
      return { state, remainingMs: 60_000, isFinal: false, contextId, ...rights };
    });
    return { answers, serverTimeMs: Date.now() };
  });
  const findSubjects = unaryHandler<FindSubjectsRequest, FindSubjectsResponse>(log, async ({ questions }) => {
    requireHere();
    const answers = questions.map(({ tenant, subject }) => {
      const known = find(tenant, subject);
      const { roles, groups } = known ?? NOTHING;
      return { isKnown: known !== undefined, roles: [...roles], groups: [...groups] };
    });
    return { answers };
  });
  const address = { host: "127.0.0.1", port: 0, setting: "AUTH_GRPC_PORT" };
  const server = await startGrpcServer(address, [[SessionServiceService, { checkSessions, findSubjects }]]);
  const people: People = {
    url: `127.0.0.1:${server.port}`,
    isAway: false,
    hold: (tenant, subject, now) => void held.set(`${tenant} ${subject}`, now),
    endSession: (sid) => void ended.add(sid),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return people;
}
