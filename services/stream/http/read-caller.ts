import type { Context } from "hono";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { tryTokens } from "#shared/tokens/try-tokens.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { requireTrustedPage, tokenMissing, type TokenReading } from "./request-token.ts";

/** The edge, as far as reading the token of a call uses it. */
export type CallerReading = Pick<TokenReading, "verify" | "cookies" | "allowedOrigins">;

/** A token, and what it says. */
export interface VerifiedToken {
  readonly token: string;
  readonly claims: VerifiedClaims;
}

/**
 * Reads and checks the access token of a call: an explicit one, or else the cookie of a page that is trusted. Ask `requireUse`
 * what it is good for.
 * @throws {AppError} the refusal.
 */
export async function readCaller(reading: CallerReading, c: Context): Promise<VerifiedToken> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  const caller = explicit === undefined ? await readCookieToken(reading, c) : await verified(reading, explicit.token);
  c.set("caller", { tenant: caller.claims.tenant_id, subject: caller.claims.sub });
  return caller;
}

/** Reads the token of a cookie; throws as `readCaller` does. */
export async function readCookieToken(
  { verify, cookies, allowedOrigins }: CallerReading,
  c: Context,
): Promise<VerifiedToken> {
  const headers = c.req.header();
  const { access } = cookies.read(headers);
  if (access.length === 0) throw tokenMissing();
  requireTrustedPage(headers, allowedOrigins);
  const tried = await tryTokens(access, verify);
  if ("refusal" in tried) throw tried.refusal;
  return tried;
}

/** Checks a token; throws AppError with the refusal. */
export async function verified({ verify }: Pick<CallerReading, "verify">, token: string): Promise<VerifiedToken> {
  return { token, claims: await verify(token) };
}
