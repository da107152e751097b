import { SessionServiceClient, SessionState } from "#proto/auth/v1/session.ts";
import type { SessionAnswer as WireAnswer } from "#proto/auth/v1/session.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import type { RenewAccess, RenewedAccess, SessionAnswer, SessionChecker, SessionQuestion } from "../access/ports.ts";
import { createLoader } from "./create-loader.ts";

const TIMEOUT_MS = 3_000;

/** The service's limit for one call. */
const MAX_BATCH = 1_024;

/** The service's limit for one call that renews. */
const MAX_RENEWALS = 128;

/** Up to 250 handshakes a second ask without waiting for each other. */
const REST_MS = 4;

/** Asks auth over gRPC, many questions in one call; `onCall` is told of each call once it is over. */
export class GrpcSessionChecker implements SessionChecker, Disposable {
  readonly #client: SessionServiceClient;
  readonly check: (question: SessionQuestion) => Promise<SessionAnswer>;
  readonly renew: RenewAccess;

  constructor(address: string, channel: GrpcChannel, onCall: (questions: number, seconds: number) => void) {
    this.#client = new SessionServiceClient(address, channel.credentials, channel.options);
    this.check = createLoader({ maxBatch: MAX_BATCH, restMsPerQuestion: REST_MS }, async (questions) => {
      const startedAt = performance.now();
      try {
        return await this.#send(questions);
      } finally {
        onCall(questions.length, (performance.now() - startedAt) / 1_000);
      }
    });
    this.renew = createLoader({ maxBatch: MAX_RENEWALS, restMsPerQuestion: REST_MS }, (tokens) => this.#renew(tokens));
  }

  async #send(questions: readonly SessionQuestion[]): Promise<(SessionAnswer | Error)[]> {
    const check = this.#client.checkSessions.bind(this.#client);
    const { answers } = await callUnary(check, { questions: [...questions] }, { timeoutMs: TIMEOUT_MS });
    if (answers.length !== questions.length) throw new AppError("unavailable", "auth did not answer every question");
    return questions.map(({ contextId }, index) => readAnswer(contextId, answers[index]));
  }

  async #renew(refreshTokens: readonly string[]): Promise<(RenewedAccess | undefined)[]> {
    const renew = this.#client.renewAccess.bind(this.#client);
    const request = { refreshTokens: [...refreshTokens] };
    const { answers } = await callUnary(renew, request, { timeoutMs: TIMEOUT_MS });
    if (answers.length !== refreshTokens.length)
      throw new AppError("unavailable", "auth did not answer every question");
    return answers.map((answer) => (answer.accessToken === "" ? undefined : answer));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** An answer counts for the connection that asked: a stream must not live on by what was said of another. */
function readAnswer(contextId: string, answer: WireAnswer | undefined): SessionAnswer | Error {
  return answer?.contextId === contextId ? answerOf(answer) : new Error("auth answered for another connection");
}

function answerOf({ state, remainingMs, roles, groups, claimsKnown }: WireAnswer): SessionAnswer {
  if (state === SessionState.LIVE)
    return { state: "live", remainingMs, ...(claimsKnown ? { present: { roles, groups } } : {}) };
  if (state === SessionState.EXPIRED) return { state: "expired" };
  // An answer nobody understands must not keep a stream open.
  return { state: "revoked" };
}
