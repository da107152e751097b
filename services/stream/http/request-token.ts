import type { IncomingMessage } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";

/**
 * Refuses a request that authenticates by cookie and was made by a page that is not trusted.
 * @throws {AppError} `cross_site`.
 */
export function requireTrustedPage({ headers }: IncomingMessage, allowedOrigins: readonly string[]): void {
  const page = { origin: headers.origin, secFetchSite: single(headers["sec-fetch-site"]), host: headers.host };
  if (isTrustedPage(page, allowedOrigins)) return;
  throw new AppError("cross_site", "this page may not use the cookie; add its origin to STREAM_ALLOWED_ORIGINS");
}

/** A refusal that names every place where a token may stand. */
export function tokenMissing(): AppError {
  return new AppError(
    "token_missing",
    "send an access token: Authorization: Bearer, X-Auth-Token, or the cookie auth_token",
  );
}

/** The one value of a header that may come several times. */
export function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "object" ? value[0] : value;
}
