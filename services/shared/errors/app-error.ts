/** Every expected failure has one of these codes; outsiders rely on them. The number is the HTTP status it is told with. */
export const httpStatusOf = {
  malformed_request: 400,
  malformed_topic: 400,
  conflicting_tokens: 400,
  token_in_url: 400,
  unsupported_parameter: 400,
  resource_unknown: 400,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  token_reused: 401,
  session_ended: 401,
  bad_credentials: 401,
  forbidden: 403,
  cross_site: 403,
  no_topic_granted: 403,
  tenant_suspended: 403,
  not_found: 404,
  tenant_unknown: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  document_from_file: 409,
  not_erasable_alone: 409,
  tenant_deleted: 409,
  version_conflict: 412,
  body_too_large: 413,
  document_invalid: 422,
  too_many_attempts: 429,
  too_many_headers: 431,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof httpStatusOf;

/** A failure that is expected: it has a stable code and a message for whoever caused it. Nothing secret goes into it. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  /** When trying again makes sense, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { retryAfterSeconds?: number } = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The failure as an AppError; what nobody expected becomes `internal`, with the cause kept for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "something went wrong on our side", { cause: error });
}
