import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode } from "#shared/protocol/problem-codes.ts";
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

/** What grpc-js says of a peer that is away names its address: that is for the log, and not for whoever asked us. */
function failureOf(error: ServiceError): AppError {
  const code = codeOf(error);
  const message =
    code === "unavailable" ? "a service that this needs does not answer right now; try again" : error.details;
  return new AppError(code, message, { cause: error });
}

function codeOf(error: ServiceError): ErrorCode {
  if (error.code === status.NOT_FOUND) return "tenant_unknown";
  if (error.code === status.FAILED_PRECONDITION) return "tenant_suspended";
  if (error.code === status.INVALID_ARGUMENT) return "malformed_request";
  return "unavailable";
}
