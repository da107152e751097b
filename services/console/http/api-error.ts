/** A call that did not do what was asked: what policy answered, or why there was no answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** The code of docs/reference/errors.md, `offline` or `timeout`. */
  readonly code: string;
  /** What a support person finds the request's lines by. */
  readonly requestId: string | undefined;
  /** Seconds to wait before the same call may succeed. */
  readonly retryAfter: number | undefined;

  constructor(facts: Omit<ApiError, "name" | "stack" | "cause">) {
    super(facts.message);
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.retryAfter = facts.retryAfter;
  }
}

/** A browser does not tell the one from the other. */
const AUTH_AWAY = "auth cannot be reached, or this page's origin is not in its AUTH_ALLOWED_ORIGINS";

/** Whatever a call of this service threw, as an `ApiError`. */
export function toApiError(thrown: unknown, service = "policy"): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const isTimeout = thrown instanceof DOMException && thrown.name === "TimeoutError";
  return new ApiError({
    status: 0,
    code: isTimeout ? "timeout" : "offline",
    message: isTimeout
      ? `${service} did not answer in time`
      : service === "auth"
        ? AUTH_AWAY
        : `${service} cannot be reached`,
    requestId: undefined,
    retryAfter: undefined,
  });
}

/** What a call fails with while nobody is logged in. */
export function loggedOut(): ApiError {
  const message = "log in again; what you typed is kept";
  return new ApiError({ status: 401, code: "logged_out", message, requestId: undefined, retryAfter: undefined });
}

/** Reads a problem document (RFC 9457); an answer that is none, such as a proxy's page, is told by its status. */
export async function readProblem(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as { readonly code?: string; readonly detail?: string };
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiError({
    status: response.status,
    code: body.code ?? `http_${response.status}`,
    message: body.detail ?? `the answer was ${response.status} ${response.statusText}`.trim(),
    requestId: response.headers.get("x-request-id") ?? undefined,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}
