import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { single } from "#shared/http/single-header.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { type HeaderValues, readExplicitToken } from "#shared/http/token-source.ts";
import { CLOCK_LEEWAY_SECONDS } from "#shared/tokens/access-token.ts";
import { tryTokens } from "#shared/tokens/try-tokens.ts";
import { type RenewAccess, verifyOrRenew } from "#shared/tokens/verify-or-renew.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { AuthTime } from "../access/auth-time.ts";

/** The edge, as far as reading a token uses it. */
export interface TokenReading {
  readonly verify: (token: string) => Promise<VerifiedClaims>;
  readonly renew: RenewAccess;
  /** Says when a token has expired. */
  readonly authTime: Pick<AuthTime, "now">;
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
  readonly cookies: TokenCookies;
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
  const headers = request.headersDistinct;
  const explicit = readExplicitToken({ headers, query });
  if (explicit !== undefined) return reading.verify(explicit.token);
  const { names, ...tokens } = reading.cookies.read(headers);
  if (tokens.access.length + tokens.refresh.length === 0) throw tokenMissing();
  requireTrustedPage(request.headers, reading.allowedOrigins);
  const urgencyOf = (claims: VerifiedClaims) => (lasts(claims, reading.authTime.now()) ? "none" : "needed");
  const { claims, renewed } = await verifyOrRenew({ ...reading, urgencyOf }, tokens);
  if (renewed === undefined) return claims;
  const { accessToken, sessionRemainingSeconds } = renewed;
  response.setHeader("set-cookie", [...reading.cookies.give({ access: accessToken }, sessionRemainingSeconds, names)]);
  response.setHeader("x-access-token-renewed", "true");
  return claims;
}

/** A token that is valid only by the leeway between clocks has expired for auth, which would refuse its session. */
function lasts({ exp }: VerifiedClaims, now: number): boolean {
  return (exp - CLOCK_LEEWAY_SECONDS) * 1_000 > now;
}

/** A token that verifies, and what it says. */
export interface VerifiedToken {
  readonly token: string;
  readonly claims: VerifiedClaims;
}

/** What the token of a call is read by; a call renews none. */
export type CallTokenReading = Pick<TokenReading, "verify" | "cookies" | "allowedOrigins">;

/**
 * Reads and checks the access token of a call: an explicit one, else that of a cookie.
 * @throws {AppError} the refusal.
 */
export async function readCallToken(
  reading: CallTokenReading,
  request: { readonly headers: HeaderValues; readonly query: URLSearchParams },
): Promise<VerifiedToken> {
  const explicit = readExplicitToken(request);
  if (explicit === undefined) return readCookieToken(reading, request.headers);
  return { token: explicit.token, claims: await reading.verify(explicit.token) };
}

/**
 * The same of a request that has no explicit token.
 * @throws {AppError} the refusal.
 */
export async function readCookieToken(
  { verify, cookies, allowedOrigins }: CallTokenReading,
  headers: HeaderValues,
): Promise<VerifiedToken> {
  const { access } = cookies.read(headers);
  if (access.length === 0) throw tokenMissing();
  requireTrustedPage(headers, allowedOrigins);
  const tried = await tryTokens(access, verify);
  if ("refusal" in tried) throw tried.refusal;
  return tried;
}

/**
 * Refuses a request that authenticates by cookie and was made by a page that is not trusted.
 * @throws {AppError} `cross_site`.
 */
function requireTrustedPage(headers: HeaderValues, allowedOrigins: readonly string[]): void {
  const [origin, secFetchSite, host] = ["origin", "sec-fetch-site", "host"].map((name) => single(headers[name]));
  const page = { origin, secFetchSite, host };
  if (isTrustedPage(page, allowedOrigins)) return;
  throw new AppError("cross_site", "this page may not use the cookie; add its origin to STREAM_ALLOWED_ORIGINS");
}

/** A refusal that names every place for a token. */
function tokenMissing(): AppError {
  return new AppError(
    "token_missing",
    "send an access token: Authorization: Bearer, X-Auth-Token, or the cookie auth_token",
  );
}
