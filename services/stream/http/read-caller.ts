import type { Context } from "hono";
import type { TrustedProxies } from "#shared/http/client-address.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { requireUse, type TokenUse } from "#shared/tokens/require-use.ts";
import { tryTokens } from "#shared/tokens/try-tokens.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { addressOfCall } from "./caller-address.ts";
import { requireTrustedPage, tokenMissing, type TokenReading } from "./request-token.ts";

/** The edge, as far as the callers of its API are read. */
export interface CallerReading extends Pick<TokenReading, "verify" | "cookies" | "allowedOrigins"> {
  readonly trusted: TrustedProxies;
}

/** A token, and what it says once it is verified. */
export interface VerifiedToken {
  readonly token: string;
  readonly claims: VerifiedClaims;
}

/** Who makes a request, or a call about a stream, as `readCallerToken` finds it. */
export async function readCaller(reading: CallerReading, c: Context, use?: TokenUse): Promise<VerifiedClaims> {
  return (await readCallerToken(reading, c, use)).claims;
}

/**
 * The token of a request, or of a call about a stream: its explicit one or else that of its cookie.
 * @throws {AppError} the refusal of the token, also of one that is good for other uses alone.
 */
export async function readCallerToken(
  reading: CallerReading,
  c: Context,
  use: TokenUse = "request",
): Promise<VerifiedToken> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  const caller =
    explicit === undefined ? await readCookieToken(reading, c) : await verifyToken(reading, c, explicit.token);
  c.set("caller", { tenant: caller.claims.tenant_id, subject: caller.claims.sub });
  requireUse(caller.claims, use);
  return caller;
}

/**
 * The token of the request's cookie, where the page may use it.
 * @throws {AppError} `token_missing`, `cross_site`, or the refusal of the token.
 */
export async function readCookieToken(reading: CallerReading, c: Context): Promise<VerifiedToken> {
  const headers = c.req.header();
  const { access } = reading.cookies.read(headers);
  if (access.length === 0) throw tokenMissing();
  requireTrustedPage(headers, reading.allowedOrigins);
  const tried = await tryTokens(access, async (token) => (await verifyToken(reading, c, token)).claims);
  if ("refusal" in tried) throw tried.refusal;
  return tried;
}

/** @throws {AppError} the refusal of the token. */
export async function verifyToken(
  { verify, trusted }: CallerReading,
  c: Context,
  token: string,
): Promise<VerifiedToken> {
  return { token, claims: await verify(token, addressOfCall(c, trusted)) };
}
