import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode } from "#shared/protocol/problem-codes.ts";
import { areOwnWords } from "./own-words.ts";
import { AppError } from "#shared/errors/app-error.ts";

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * Calls a unary method and gives its answer as a promise. Every call has a deadline.
 * @throws {AppError} `tenant_unknown`, `tenant_suspended` or `malformed_request` as the other side said, else `unavailable`: the answer is not
 * known, whether the call arrived or not.
 */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { timeoutMs }: { timeoutMs: number },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), { deadline: Date.now() + timeoutMs }, (error, response) => {
      if (error === null) resolve(response);
      else reject(failureOf(error));
    });
  });
}

/** grpc-js names a peer's address where that is away. Whoever asked us gets to read the words of a service of ours alone. */
function failureOf(error: ServiceError): AppError {
  const message = areOwnWords(error.metadata)
    ? error.details
    : "a service that this needs does not answer right now; try again";
  return new AppError(codeOf(error), message, { cause: error });
}

function codeOf(error: ServiceError): ErrorCode {
  if (error.code === status.NOT_FOUND) return "tenant_unknown";
  if (error.code === status.FAILED_PRECONDITION) return "tenant_suspended";
  if (error.code === status.INVALID_ARGUMENT) return "malformed_request";
  return "unavailable";
}
