import type { Context } from "hono";
import { type ErrorCode, httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { type AppError } from "#shared/errors/app-error.ts";
import { describe } from "#shared/http/problem.ts";

/** Answers a failure as RFC 6749, section 5.2, has it: `{error, error_description}`. */
export function oauthErrorResponse(c: Context, error: AppError): Response {
  c.set("refusal", error);
  const [status, code] = oauthErrorOf(error.code);
  if (code === "invalid_client") c.header("www-authenticate", 'Basic realm="sluice"');
  if (code === "temporarily_unavailable") c.header("retry-after", String(error.retryAfterSeconds ?? 1));
  return c.json({ error: code, error_description: describe(error) }, status);
}

/** The status and the `error` by which OAuth says one of our codes (RFC 6749, section 5.2; RFC 6750, section 3.1). */
export function oauthErrorOf(code: ErrorCode): [status: 400 | 401 | 403 | 429 | 500 | 503, error: string] {
  if (code === "bad_credentials" || code === "token_missing") return [401, "invalid_client"];
  if (code === "cross_site" || code === "forbidden") return [403, "access_denied"];
  if (code === "scope_invalid") return [400, "invalid_scope"];
  const status = httpStatusOf[code];
  if (status === 401) return [400, "invalid_grant"];
  if (status === 429 || status === 503) return [status, "temporarily_unavailable"];
  if (status === 500) return [500, "server_error"];
  return [400, "invalid_request"];
}
