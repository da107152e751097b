import { type CallOptions, type ClientUnaryCall, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { SharedContext } from "#shared/async/call-context.ts";
import { type CallOutcome, type CircuitBreaker, NOT_ANSWERING } from "#shared/async/circuit-breaker.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type ErrorCode } from "#shared/protocol/problem-codes.ts";
import { encodeContext } from "./call-metadata.ts";
import { areOwnWords } from "./own-words.ts";

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** How a call is made. */
export interface UnaryCall {
  readonly timeoutMs: number;
  /** Keeps the call away from a service that does not answer. */
  readonly breaker?: CircuitBreaker;
  /** The requests that the call is made for; it is given up with the last of them. */
  readonly shared?: SharedContext;
}

/** Statuses of a call that has got no answer: it did not arrive, or nobody is there, or it took too long. */
const UNANSWERED = [status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.UNKNOWN, status.INTERNAL, status.ABORTED];

/**
 * Calls a unary method and gives its answer as a promise. Every call has a deadline.
 * @throws {AppError} `tenant_unknown`, `tenant_suspended` or `malformed_request` as the other side said, else `unavailable`: the answer is not
 * known, whether the call arrived or not.
 */
export async function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { timeoutMs, breaker, shared }: UnaryCall,
): Promise<Response> {
  const call = () => send(method, request, timeoutMs, shared);
  return breaker === undefined ? call() : breaker.run(call, outcomeOf);
}

function send<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  timeoutMs: number,
  shared: SharedContext | undefined,
): Promise<Response> {
  const { signal } = shared ?? {};
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    const call = method(request, encodeContext(shared?.contexts ?? []), options, (error, response) => {
      signal?.removeEventListener("abort", cancel);
      if (error === null) resolve(response);
      else reject(failureOf(error));
    });
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted === true) cancel();
  });
}

/** grpc-js names a peer's address where that is away. Whoever asked us gets to read the words of a service of ours alone. */
function failureOf(error: ServiceError): AppError {
  const message = areOwnWords(error.metadata) ? error.details : NOT_ANSWERING;
  return new AppError(codeOf(error), message, { cause: error });
}

function codeOf(error: ServiceError): ErrorCode {
  if (error.code === status.NOT_FOUND) return "tenant_unknown";
  if (error.code === status.FAILED_PRECONDITION) return "tenant_suspended";
  if (error.code === status.INVALID_ARGUMENT) return "malformed_request";
  return "unavailable";
}

/** A refusal in a service's own words is an answer: what one tenant cannot get, others may. */
function outcomeOf(error: unknown): CallOutcome {
  // A client that was closed throws an error of another kind.
  if (!(error instanceof AppError)) return "given up";
  const { code, metadata } = error.cause as ServiceError;
  if (code === status.CANCELLED) return "given up";
  return UNANSWERED.includes(code) && !areOwnWords(metadata) ? "unanswered" : "answered";
}
