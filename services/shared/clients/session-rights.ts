import {
  type SessionAnswer,
  type SessionQuestion,
  SessionServiceClient,
  SessionState,
} from "#proto/auth/v1/session.ts";
import type { SharedContext } from "#shared/async/call-context.ts";
import { createLoader } from "#shared/async/create-loader.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { askInParts, charactersIn } from "#shared/grpc/ask-in-parts.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { AuthTime, TIME_QUESTION } from "#shared/tokens/auth-time.ts";
import type { FindRights, Rights, SessionOfToken, SessionRights } from "#shared/tokens/session-rights.ts";
import type { AskedTime } from "#shared/tokens/token-verifier.ts";

/** Somebody waits for the answer. */
const CALL = { timeoutMs: 2_000 };

/** auth's limit for one call. */
const MAX_BATCH = 1_024;

/**
 * Asks auth over gRPC about sessions and people, many in one call. Nothing is kept: each question is asked after it came.
 * Each answer about sessions tells auth's time. Disposing closes the channel.
 */
export function createSessionRights(
  address: string,
  channel: GrpcChannel,
): SessionRights & Disposable & { readonly find: FindRights; readonly time: AskedTime } {
  const client = new SessionServiceClient(address, channel.credentials, channel.options);
  const call = { ...CALL, breaker: new CircuitBreaker(() => clock.monotonic()) };
  const authTime = new AuthTime(clock);
  const ask = async (questions: SessionQuestion[], shared?: SharedContext): Promise<SessionAnswer[]> => {
    const askedAt = clock.monotonic();
    const asking = callUnary(client.checkSessions.bind(client), { questions }, shared ? { ...call, shared } : call);
    const { answers, serverTimeMs } = await orUnknown(asking);
    authTime.learn(serverTimeMs, askedAt);
    return answers;
  };
  const check = createLoader<SessionOfToken, Rights>({ maxBatch: MAX_BATCH }, (all, shared) =>
    askInParts(
      all,
      ({ subject }) => charactersIn([subject]),
      async (sessions) => {
        const questions = sessions.map((session) => ({ ...session, extend: false, contextId: "" }));
        const answers = await ask(questions, shared);
        return sessions.map((_, place) => rightsIn(answers[place]));
      },
    ),
  );
  return {
    rightsOf: check,
    async find(tenant, subject) {
      const questions = [{ tenant, subject }];
      const { answers } = await orUnknown(callUnary(client.findSubjects.bind(client), { questions }, call));
      const [answer] = answers;
      return answer?.isKnown === true ? { roles: answer.roles, groups: answer.groups } : undefined;
    },
    time: { authTime, askTime: async () => void (await ask([TIME_QUESTION])) },
    [Symbol.dispose]: () => client.close(),
  };
}

/** An answer that is missing, or that this release does not know, lets nobody in. */
function rightsIn(answer: SessionAnswer | undefined): Rights | AppError {
  if (answer?.state === SessionState.EXPIRED) return new AppError("token_expired", "the access token has expired");
  if (answer?.state === SessionState.REVOKED) return new AppError("session_ended", "the session has ended");
  if (answer?.state !== SessionState.LIVE || !answer.claimsKnown) return unknown();
  return { roles: answer.roles, groups: answer.groups };
}

async function orUnknown<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    throw unknown(error);
  }
}

function unknown(cause?: unknown): AppError {
  return new AppError("unavailable", "auth does not answer, so what holds now is not known; try again", { cause });
}
