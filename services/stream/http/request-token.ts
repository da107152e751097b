import type { ServerResponse } from "node:http";
import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { single } from "#shared/http/single-header.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import { type HeaderValues, readExplicitToken } from "#shared/http/token-source.ts";
import { CLOCK_LEEWAY_SECONDS } from "#shared/tokens/access-token.ts";
import { type RenewAccess, verifyOrRenew } from "#shared/tokens/verify-or-renew.ts";
import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { Exchange } from "./roads/road.ts";
import type { AuthTime } from "#shared/tokens/auth-time.ts";

/** The edge, as far as reading a token uses it. */
export interface TokenReading {
  readonly verify: TokenVerifier["verify"];
  readonly renew: RenewAccess;
  /** Says when a token has expired. */
  readonly authTime: Pick<AuthTime, "now">;
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
  readonly cookies: TokenCookies;
  /** Pages that may use cookies, and read answers across origins. */
  readonly allowedOrigins: readonly string[];
}

/** Where else a handshake's token may stand: among the parameters it may not, and a road may carry it. */
interface HandshakeTokens {
  readonly query: URLSearchParams;
  readonly tokens: readonly string[] | undefined;
  /** Where the handshake comes from; undefined where that is this host itself. */
  readonly address: string | undefined;
}

/**
 * Finds the access token of a handshake; the call that is answered verifies it. A token of auth's in a cookie that has expired, or
 * is missing, is renewed by the refresh token beside it; the response sets the new one. An explicit token is not renewed.
 * @throws {AppError} the refusal, both; `unavailable` when auth cannot say whether the session still lives.
 */
export function findHandshakeToken(
  reading: TokenReading,
  { request, response }: Pick<Exchange, "request" | "response">,
  { query, tokens = [], address }: HandshakeTokens,
): () => Promise<VerifiedClaims> {
  const own = request.headersDistinct;
  const bearers = tokens.map((token) => `Bearer ${token}`);
  const headers = { ...own, authorization: [...(own["authorization"] ?? []), ...bearers] };
  const explicit = readExplicitToken({ headers, query });
  if (explicit !== undefined) return () => reading.verify(explicit.token, address);
  const cookies = reading.cookies.read(headers);
  if (cookies.access.length + cookies.refresh.length === 0) throw tokenMissing();
  requireTrustedPage(request.headers, reading.allowedOrigins);
  const verify = (token: string): Promise<VerifiedClaims> => reading.verify(token, address);
  return () => verifyCookies({ ...reading, verify }, response, cookies);
}

async function verifyCookies(
  reading: TokenReading,
  response: ServerResponse,
  { names, ...tokens }: ReturnType<TokenCookies["read"]>,
): Promise<VerifiedClaims> {
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
