import type { IncomingMessage, ServerResponse } from "node:http";
import { ACCESS_TOKEN_COOKIE, CLOCK_LEEWAY_SECONDS, REFRESH_TOKEN_COOKIE } from "#shared/tokens/access-token.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { tokenCookie } from "#shared/http/token-cookie.ts";
import { type HeaderValues, readCookie, readTokenSource } from "#shared/http/token-source.ts";
import type { AuthTime } from "../access/auth-time.ts";
import type { RenewAccess } from "../access/ports.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";

/** The edge, as far as reading a token uses it. */
export interface TokenReading {
  readonly verify: (token: string) => Promise<VerifiedClaims>;
  readonly renew: RenewAccess;
  /** Says when a token has expired. */
  readonly authTime: Pick<AuthTime, "now">;
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
  /** Pages that may use cookies, and read answers across origins. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Reads and checks the access token of a handshake. A token of auth's in a cookie that has expired, or is missing, is renewed
 * by the refresh token beside it; the response sets the new one. An explicit token is not renewed.
 * @throws {AppError} the refusal; `unavailable` when auth cannot say whether the session still lives.
 */
export async function readHandshakeToken(
  reading: TokenReading,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<VerifiedClaims> {
  const source = readTokenSource({ headers: request.headersDistinct, query });
  if (source !== undefined && source.from !== "cookie") return reading.verify(source.token);
  const refreshToken = findRefreshToken(reading, request, source?.token);
  if (source === undefined && refreshToken === undefined) throw tokenMissing();
  requireTrustedPage(request.headers, reading.allowedOrigins);
  const known = source === undefined ? undefined : await verifyUnlessExpired(reading, source.token);
  if (refreshToken === undefined || (known !== undefined && lasts(known, reading.authTime.now())))
    return known ?? refuse(source);
  const renewed = await reading.renew(refreshToken);
  if (renewed === undefined) return known ?? refuse(source);
  const browser = { hostname: hostnameOf(request), maxAgeSeconds: renewed.sessionRemainingSeconds };
  response.setHeader("set-cookie", tokenCookie(ACCESS_TOKEN_COOKIE, renewed.accessToken, browser));
  response.setHeader("x-access-token-renewed", "true");
  return reading.verify(renewed.accessToken);
}

/**
 * The refresh token for renewing the access token in the cookie. An outside issuer's token is left to expire: the refresh
 * token beside it may be another person's.
 */
function findRefreshToken(
  { isOutside }: TokenReading,
  { headersDistinct }: IncomingMessage,
  accessToken: string | undefined,
): string | undefined {
  if (accessToken !== undefined && isOutside(accessToken)) return undefined;
  return readCookie(headersDistinct, REFRESH_TOKEN_COOKIE);
}

async function verifyUnlessExpired({ verify }: TokenReading, token: string): Promise<VerifiedClaims | undefined> {
  try {
    return await verify(token);
  } catch (error) {
    if (toAppError(error).code === "token_expired") return undefined;
    throw error;
  }
}

/** A token that is valid only by the leeway between clocks has expired for auth, which would refuse its session. */
function lasts({ exp }: VerifiedClaims, now: number): boolean {
  return (exp - CLOCK_LEEWAY_SECONDS) * 1_000 > now;
}

function refuse(source: object | undefined): never {
  throw source === undefined ? tokenMissing() : new AppError("token_expired", "the access token has expired");
}

/** The host that the browser asked, which decides whether its cookie can be Secure. */
function hostnameOf({ headers }: IncomingMessage): string {
  const url = `http://${headers.host ?? ""}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/**
 * Refuses a request that authenticates by cookie and was made by a page that is not trusted.
 * @throws {AppError} `cross_site`.
 */
export function requireTrustedPage(headers: HeaderValues, allowedOrigins: readonly string[]): void {
  const [origin, secFetchSite, host] = ["origin", "sec-fetch-site", "host"].map((name) => single(headers[name]));
  const page = { origin, secFetchSite, host };
  if (isTrustedPage(page, allowedOrigins)) return;
  throw new AppError("cross_site", "this page may not use the cookie; add its origin to STREAM_ALLOWED_ORIGINS");
}

/** A refusal that names every place for a token. */
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
