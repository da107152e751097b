import { RenewalPurpose, SessionServiceClient, SessionState, type SubjectQuestion } from "#proto/auth/v1/session.ts";
import type { SessionAnswer as WireAnswer } from "#proto/auth/v1/session.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { askInParts, charactersIn } from "#shared/grpc/ask-in-parts.ts";
import { callUnary, type UnaryCall } from "#shared/grpc/call-unary.ts";
import type { GrpcChannel } from "#shared/grpc/grpc-security.ts";
import { type AuthTime, TIME_QUESTION } from "#shared/tokens/auth-time.ts";
import type { RenewAccess, RenewedAccess } from "#shared/tokens/verify-or-renew.ts";
import type { BindToken, PresentClaims, SessionAnswer, SessionChecker, SessionQuestion } from "../access/ports.ts";
import type { Observer } from "../observe/observer.ts";
import { type SharedContext, shareContexts } from "#shared/async/call-context.ts";
import { CircuitBreaker } from "#shared/async/circuit-breaker.ts";
import { createLoader, type Load } from "#shared/async/create-loader.ts";

/** For a stream that is held, a late answer is as good as a new one. A handshake has a time of its own. */
const TIMEOUT_MS = 10_000;

/** For calls that only a handshake makes, which is refused with `busy` then. */
const HANDSHAKE_TIMEOUT_MS = 3_000;

/** The service's limit for one call. */
const MAX_BATCH = 1_024;

/** The service's limit for one call that renews. */
const MAX_RENEWALS = 128;

/** Up to 250 handshakes a second ask without waiting for each other. */
const REST_MS = 4;

/** The edge, as far as the client uses it. */
export interface SessionCheckerDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Learns from each answer. */
  readonly authTime: Pick<AuthTime, "learn">;
  readonly observer: Pick<Observer, "sessionsAsked" | "peerSwitched">;
}

/** Asks auth over gRPC, many questions in one call. */
export class GrpcSessionChecker implements SessionChecker, Disposable {
  readonly #client: SessionServiceClient;
  readonly #breaker: CircuitBreaker;
  readonly check: Load<SessionQuestion, SessionAnswer>;
  readonly renew: RenewAccess;
  /** The rights that people have now, whether or not they have a session; undefined for whom auth does not know, or not any more. */
  readonly find: (person: SubjectQuestion) => Promise<PresentClaims | undefined>;
  /** Asks auth what time it is. Throws AppError `unavailable` when there is no answer in time. */
  readonly askTime: () => Promise<void>;
  readonly #deps: SessionCheckerDeps;

  constructor(address: string, channel: GrpcChannel, deps: SessionCheckerDeps) {
    this.#deps = deps;
    this.#client = new SessionServiceClient(address, channel.credentials, channel.options);
    this.#breaker = new CircuitBreaker(deps.now, (isAway) => deps.observer.peerSwitched("auth", isAway));
    this.check = createLoader({ maxBatch: MAX_BATCH, restMsPerQuestion: REST_MS }, async (questions, shared) => {
      const startedAt = deps.now();
      try {
        return await askInParts(
          questions,
          ({ subject }) => charactersIn([subject]),
          (part) => this.#send(part, shared),
        );
      } finally {
        deps.observer.sessionsAsked(questions.length, (deps.now() - startedAt) / 1_000);
      }
    });
    this.renew = createLoader({ maxBatch: MAX_RENEWALS, restMsPerQuestion: REST_MS }, (tokens) => this.#renew(tokens));
    this.find = createLoader({ maxBatch: MAX_BATCH, restMsPerQuestion: REST_MS }, (people, shared) =>
      askInParts(
        people,
        ({ subject }) => charactersIn([subject]),
        (part) => this.#find(part, shared),
      ),
    );
    this.askTime = async () => void (await this.#ask([TIME_QUESTION], { timeoutMs: HANDSHAKE_TIMEOUT_MS }));
  }

  get #handshakeCall(): UnaryCall {
    return { timeoutMs: HANDSHAKE_TIMEOUT_MS, breaker: this.#breaker };
  }

  async #send(questions: readonly SessionQuestion[], shared: SharedContext): Promise<(SessionAnswer | Error)[]> {
    const answers = await this.#ask(questions, { timeoutMs: TIMEOUT_MS, shared });
    if (answers.length !== questions.length) throw new AppError("unavailable", "auth did not answer every question");
    return questions.map(({ contextId }, index) => readAnswer(contextId, answers[index]));
  }

  async #ask(questions: readonly SessionQuestion[], call: UnaryCall): Promise<readonly WireAnswer[]> {
    const check = this.#client.checkSessions.bind(this.#client);
    const askedAt = this.#deps.now();
    const response = await callUnary(check, { questions: [...questions] }, { breaker: this.#breaker, ...call });
    this.#deps.authTime.learn(response.serverTimeMs, askedAt);
    return response.answers;
  }

  async #find(questions: readonly SubjectQuestion[], shared: SharedContext): Promise<(PresentClaims | undefined)[]> {
    const find = this.#client.findSubjects.bind(this.#client);
    const call = { timeoutMs: TIMEOUT_MS, breaker: this.#breaker, shared };
    const { answers } = await callUnary(find, { questions: [...questions] }, call);
    if (answers.length !== questions.length) throw new AppError("unavailable", "auth did not answer every question");
    return answers.map(({ isKnown, roles, groups }) => (isKnown ? { roles, groups } : undefined));
  }

  async #renew(refreshTokens: readonly string[]): Promise<(RenewedAccess | undefined | Error)[]> {
    const renew = this.#client.renewAccess.bind(this.#client);
    const request = { refreshTokens: [...refreshTokens], purpose: RenewalPurpose.STREAM };
    const { answers } = await callUnary(renew, request, this.#handshakeCall);
    if (answers.length !== refreshTokens.length)
      throw new AppError("unavailable", "auth did not answer every question");
    return answers.map(({ isReused, isUnavailable, ...renewed }) => {
      if (isUnavailable) return new AppError("unavailable", "auth cannot record the end of the session right now");
      if (isReused) return new AppError("token_reused", "the refresh token was used before; the session has ended");
      return renewed.accessToken === "" ? undefined : renewed;
    });
  }

  readonly bindToken: BindToken = async (accessToken, contextId, context) => {
    const bind = this.#client.bindToken.bind(this.#client);
    const bound = await callUnary(
      bind,
      { accessToken, contextId },
      { ...this.#handshakeCall, shared: shareContexts([context]) },
    );
    if (bound.accessToken === "") throw new AppError("session_ended", "the session has ended; log in again");
    return bound;
  };

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** An answer counts for the connection that asked: no stream lives on by another's answer. */
function readAnswer(contextId: string, answer: WireAnswer | undefined): SessionAnswer | Error {
  return answer?.contextId === contextId ? answerOf(answer) : new Error("auth answered for another connection");
}

function answerOf({ state, remainingMs, isFinal, roles, groups, claimsKnown }: WireAnswer): SessionAnswer {
  if (state === SessionState.LIVE)
    return { state: "live", remainingMs, isFinal, ...(claimsKnown ? { present: { roles, groups } } : {}) };
  if (state === SessionState.EXPIRED) return { state: "expired" };
  // An unknown state must not keep a stream open.
  return { state: "revoked" };
}
