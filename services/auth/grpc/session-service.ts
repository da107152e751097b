import {
  type CheckSessionsRequest,
  type CheckSessionsResponse,
  type EndTenantRequest,
  type EndTenantResponse,
  type RenewAccessRequest,
  type RenewAccessResponse,
  type RestartTenantRequest,
  type RestartTenantResponse,
  type SessionAnswer,
  type SessionServiceServer,
  SessionServiceService,
  SessionState,
} from "#proto/auth/v1/session.ts";
import { isName } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { MethodCallers } from "#shared/grpc/check-caller.ts";
import { unaryHandler } from "#shared/grpc/start-server.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { AuthMetrics } from "../metrics.ts";
import type { RenewAccess } from "../sessions/renew-access.ts";
import type { CheckSessions, SessionStanding } from "../sessions/check-sessions.ts";
import type { TenantEnds } from "../sessions/session.ts";

const MAX_QUESTIONS = 1_024;

/** Each costs a signature: one call must not take the time of many others. */
const MAX_RENEWALS = 128;

/** The callers over mutual TLS. */
const callers: MethodCallers<keyof SessionServiceService> = {
  checkSessions: ["stream.sluice"],
  renewAccess: ["stream.sluice", "policy.sluice"],
  endTenant: ["policy.sluice"],
  restartTenant: ["policy.sluice"],
};

const stateOf = {
  live: SessionState.LIVE,
  expired: SessionState.EXPIRED,
  revoked: SessionState.REVOKED,
} as const satisfies Record<SessionStanding["state"], SessionState>;

/** The gRPC service that reports live sessions to the edge: its definition, its implementation and its callers. */
export function createSessionService(
  checkSessions: CheckSessions,
  renewAccess: RenewAccess,
  tenantEnds: TenantEnds,
  metrics: AuthMetrics,
  clock: Clock,
  log: Logger,
): [typeof SessionServiceService, SessionServiceServer, MethodCallers] {
  const implementation: SessionServiceServer = {
    checkSessions: unaryHandler<CheckSessionsRequest, CheckSessionsResponse>(log, async ({ questions }) => {
      requireAnswerable(questions);
      const standings = await checkSessions(questions);
      for (const { state } of standings) metrics.sessionsChecked.inc({ state });
      const answers = standings.map((each, index) => answerOf(each, questions[index]?.contextId ?? ""));
      return { answers, serverTimeMs: clock.wall() };
    }),
    renewAccess: unaryHandler<RenewAccessRequest, RenewAccessResponse>(log, async ({ refreshTokens }) => {
      if (refreshTokens.length < 1 || refreshTokens.length > MAX_RENEWALS) {
        throw new AppError("malformed_request", `a call renews 1 to ${MAX_RENEWALS} tokens`);
      }
      const renewed = await Promise.all(refreshTokens.map(renewAccess));
      return { answers: renewed.map((each) => each ?? { accessToken: "", sessionRemainingSeconds: 0 }) };
    }),
    endTenant: unaryHandler<EndTenantRequest, EndTenantResponse>(log, async (request) => {
      await recordEnd(tenantEnds, request, null);
      return {};
    }),
    restartTenant: unaryHandler<RestartTenantRequest, RestartTenantResponse>(log, async (request) => {
      await recordEnd(tenantEnds, request, clock.wall());
      return {};
    }),
  };
  return [SessionServiceService, implementation, callers];
}

function recordEnd(ends: TenantEnds, { tenant, version }: EndTenantRequest, through: number | null): Promise<void> {
  if (!isName(tenant) || version < 1) throw new AppError("malformed_request", "tenant and version must be given");
  return ends.record(tenant, { version, through });
}

/** Names become keys, so a bad one is refused before anything is read. */
function requireAnswerable(questions: CheckSessionsRequest["questions"]): void {
  if (questions.length < 1 || questions.length > MAX_QUESTIONS) {
    throw new AppError("malformed_request", `a call asks 1 to ${MAX_QUESTIONS} questions`);
  }
  const areNames = questions.every(({ tenant, sid, subject }) => [tenant, sid, subject].every(isName));
  if (!areNames) throw new AppError("malformed_request", "tenant, sid and subject must be names");
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
