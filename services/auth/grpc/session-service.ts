import type { BindToken } from "../sessions/bind-token.ts";
import {
  type BindTokenRequest,
  type BindTokenResponse,
  type CheckSessionsRequest,
  type CheckSessionsResponse,
  type EndTenantRequest,
  type EndTenantResponse,
  type FindSubjectsRequest,
  type FindSubjectsResponse,
  type RenewAccessRequest,
  type RenewAccessResponse,
  type RenewedAccess,
  RenewalPurpose,
  type RestartTenantRequest,
  type RestartTenantResponse,
  type SessionAnswer,
  type SessionServiceServer,
  SessionServiceService,
  SessionState,
  type SubjectAnswer,
} from "#proto/auth/v1/session.ts";
import { isFreeName, isName } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { MethodCallers } from "#shared/grpc/check-caller.ts";
import { unaryHandler } from "#shared/grpc/start-server.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { AuthMetrics } from "../metrics.ts";
import type { Renewal, RenewAccess } from "../sessions/renew-access.ts";
import type { CheckSessions, SessionStanding } from "../sessions/check-sessions.ts";
import type { TenantEnding } from "../sessions/end-tenant.ts";
import type { FindSubject, User } from "../users/user-directory.ts";

const MAX_QUESTIONS = 1_024;

/** Each costs a signature: one call must not take the time of many others. */
const MAX_RENEWALS = 128;

/** The callers over mutual TLS. */
const callers: MethodCallers<keyof SessionServiceService> = {
  checkSessions: ["stream.sluice", "policy.sluice", "publish.sluice"],
  findSubjects: ["policy.sluice", "stream.sluice"],
  renewAccess: ["stream.sluice", "policy.sluice"],
  bindToken: ["stream.sluice"],
  endTenant: ["policy.sluice"],
  restartTenant: ["policy.sluice"],
};

const stateOf = {
  live: SessionState.LIVE,
  expired: SessionState.EXPIRED,
  revoked: SessionState.REVOKED,
} as const satisfies Record<SessionStanding["state"], SessionState>;

/** What the service is made of. */
interface SessionServiceDeps {
  readonly checkSessions: CheckSessions;
  readonly findSubject: FindSubject;
  readonly renewAccess: RenewAccess;
  readonly bindToken: BindToken;
  readonly tenants: TenantEnding;
  readonly metrics: AuthMetrics;
  readonly clock: Clock;
  readonly log: LimitedLog;
}

/** The gRPC service that says what is so now of sessions and people: its definition, its implementation and its callers. */
export function createSessionService({
  checkSessions,
  findSubject,
  renewAccess,
  bindToken,
  tenants,
  metrics,
  clock,
  log,
}: SessionServiceDeps): [typeof SessionServiceService, SessionServiceServer, MethodCallers] {
  const implementation: SessionServiceServer = {
    checkSessions: unaryHandler<CheckSessionsRequest, CheckSessionsResponse>(log, async ({ questions }) => {
      requireAnswerable(questions);
      const standings = await checkSessions(questions);
      for (const { state } of standings) metrics.sessionsChecked.inc({ state });
      const answers = standings.map((each, index) => answerOf(each, questions[index]?.contextId ?? ""));
      return { answers, serverTimeMs: clock.wall() };
    }),
    renewAccess: unaryHandler<RenewAccessRequest, RenewAccessResponse>(log, async (request) => {
      const { refreshTokens, purpose } = request;
      if (refreshTokens.length < 1 || refreshTokens.length > MAX_RENEWALS) {
        throw new AppError("malformed_request", `a call renews 1 to ${MAX_RENEWALS} tokens`);
      }
      const use = purpose === RenewalPurpose.REQUESTS ? "requests" : "stream";
      const renewed = await Promise.all(refreshTokens.map((token) => renewAccess(token, use)));
      return { answers: renewed.map(renewalAnswerOf) };
    }),
    bindToken: unaryHandler<BindTokenRequest, BindTokenResponse>(log, async ({ accessToken, contextId }) => {
      if (!isName(contextId)) throw new AppError("malformed_request", "context_id must be a connection id");
      const bound = await bindToken(accessToken, contextId);
      return { accessToken: bound?.accessToken ?? "", expiresInSeconds: bound?.expiresInSeconds ?? 0 };
    }),
    findSubjects: unaryHandler<FindSubjectsRequest, FindSubjectsResponse>(log, async ({ questions }) => {
      requireAnswerable(questions);
      return { answers: questions.map(({ tenant, subject }) => subjectAnswerOf(findSubject(tenant, subject))) };
    }),
    endTenant: unaryHandler<EndTenantRequest, EndTenantResponse>(log, async (request) => {
      requireVersion(request);
      await tenants.end(request.tenant, request.version);
      return {};
    }),
    restartTenant: unaryHandler<RestartTenantRequest, RestartTenantResponse>(log, async (request) => {
      requireVersion(request);
      await tenants.restart(request.tenant, request.version);
      return {};
    }),
  };
  return [SessionServiceService, implementation, callers];
}

function requireVersion({ tenant, version }: EndTenantRequest): void {
  const isVersion = Number.isSafeInteger(version) && version >= 1;
  if (!isName(tenant) || !isVersion) throw new AppError("malformed_request", "tenant and version must be given");
}

/** Names become keys, so a bad one is refused before anything is read. */
function requireAnswerable(
  questions: readonly { readonly tenant: string; readonly sid?: string; readonly subject: string }[],
): void {
  if (questions.length < 1 || questions.length > MAX_QUESTIONS) {
    throw new AppError("malformed_request", `a call asks 1 to ${MAX_QUESTIONS} questions`);
  }
  const areNames = questions.every(
    ({ tenant, sid = tenant, subject }) => isName(tenant) && isName(sid) && isFreeName(subject),
  );
  if (!areNames) throw new AppError("malformed_request", "tenant, sid and subject must be names");
}

function renewalAnswerOf(renewal: Renewal): RenewedAccess {
  const [isReused, isUnavailable] = [renewal === "reused", renewal === "unavailable"];
  const given = typeof renewal === "object" ? renewal : { accessToken: "", sessionRemainingSeconds: 0 };
  return { ...given, isReused, isUnavailable };
}

function subjectAnswerOf(user: User | undefined): SubjectAnswer {
  if (user === undefined) return { isKnown: false, roles: [], groups: [] };
  return { isKnown: true, roles: [...user.roles], groups: [...user.groups] };
}

function answerOf(standing: SessionStanding, contextId: string): SessionAnswer {
  const state = stateOf[standing.state];
  if (standing.state !== "live") return { ...NOTHING_LEFT, state, contextId };
  const { remainingMs, isFinal, roles, groups } = standing;
  return {
    state,
    remainingMs,
    isFinal,
    roles: [...roles],
    groups: [...groups],
    claimsKnown: true,
    contextId,
  };
}

const NOTHING_LEFT = { remainingMs: 0, isFinal: false, roles: [], groups: [], claimsKnown: false };
