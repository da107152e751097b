import { httpStatusOf, titleOf } from "#shared/protocol/problem-codes.ts";
import { type AppError } from "#shared/errors/app-error.ts";

/** An error as outsiders see it: `application/problem+json` (RFC 9457) with the stable `code`, and its headers. */
export interface Problem {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * The problem document of a request's error, with `WWW-Authenticate` where RFC 6750 section 3 asks for it. `title` is the same
 * for each error of a code; `detail` is the error's message; `instance` leads to the log line; `type` leads to
 * docs/reference/errors.md.
 */
export function problemOf(error: AppError, requestId: string): Problem {
  const status = httpStatusOf[error.code];
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  };
  if (status === 401) headers["www-authenticate"] = challengeOf(error);
  if (status === 503 || status === 429) headers["retry-after"] = String(error.retryAfterSeconds ?? 1);
  const document = {
    type: `urn:sluice:error:${error.code}`,
    title: titleOf[error.code],
    status,
    detail: error.message,
    instance: `urn:sluice:request:${requestId}`,
    code: error.code,
  };
  return { status, headers, body: `${JSON.stringify(document)}\n` };
}

function challengeOf(error: AppError): string {
  if (error.code === "token_missing" || error.code === "bad_credentials") return 'Bearer realm="sluice"';
  return `Bearer realm="sluice", error="invalid_token", error_description="${describe(error)}"`;
}

/** The error's message in the characters that OAuth allows in an `error_description` (RFC 6749, section 5.2; RFC 6750, section 3). */
export function describe({ message }: AppError): string {
  return message.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "");
}
