import type { Context } from "hono";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { requireUse, type TokenUse } from "#shared/tokens/require-use.ts";
import { tryTokens } from "#shared/tokens/try-tokens.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { requireTrustedPage, tokenMissing, type TokenReading } from "./request-token.ts";

/** The edge, as far as the callers of its API are read. */
export type CallerReading = Pick<TokenReading, "verify" | "cookies" | "allowedOrigins">;

/** A token, and what it says once it is verified. */
export interface VerifiedToken {
  readonly token: string;
  readonly claims: VerifiedClaims;
}

/**
 * Who makes a request, or a call about a stream, by its explicit token or else by its cookie.
 * @throws {AppError} the refusal of the token, also of one that is good for other uses alone.
 */
export async function readCaller(
  reading: CallerReading,
  c: Context,
  use: TokenUse = "request",
): Promise<VerifiedClaims> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  const { claims } =
    explicit === undefined ? await readCookieToken(reading, c) : await verifyToken(reading, explicit.token);
  c.set("caller", { tenant: claims.tenant_id, subject: claims.sub });
  requireUse(claims, use);
  return claims;
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
  const tried = await tryTokens(access, reading.verify);
  if ("refusal" in tried) throw tried.refusal;
  return tried;
}

/** @throws {AppError} the refusal of the token. */
export async function verifyToken({ verify }: CallerReading, token: string): Promise<VerifiedToken> {
  return { token, claims: await verify(token) };
}
