import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { type AppError } from "#shared/errors/app-error.ts";

/** An error as outsiders see it: `application/problem+json` (RFC 9457) with the stable `code`. */
export interface Problem {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The problem document of an error, with `WWW-Authenticate` where RFC 6750 section 3 asks for it. */
export function problemOf(error: AppError): Problem {
  const status = httpStatusOf[error.code];
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (status === 401) headers["www-authenticate"] = challengeOf(error);
  if (status === 503 || status === 429) headers["retry-after"] = String(error.retryAfterSeconds ?? 1);
  return {
    status,
    headers,
    body: `${JSON.stringify({ type: "about:blank", title: error.message, status, code: error.code })}\n`,
  };
}

function challengeOf(error: AppError): string {
  if (error.code === "token_missing" || error.code === "bad_credentials") return 'Bearer realm="sluice"';
  return `Bearer realm="sluice", error="invalid_token", error_description="${error.message.replaceAll(/["\\]/g, "")}"`;
}
