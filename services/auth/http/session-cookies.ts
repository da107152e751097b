import type { Context } from "hono";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import type { IssuedTokens } from "../tokens/issue-tokens.ts";

/** Gives the browser both tokens, and takes back what it keeps beside them. Both cookies live as long as the session. */
export function setSessionCookies(c: Context, cookies: TokenCookies, tokens: IssuedTokens): void {
  const { accessToken: access, refreshToken: refresh, sessionRemainingSeconds } = tokens;
  append(c, cookies.give({ access, refresh }, sessionRemainingSeconds));
  append(c, cookies.tidy(c.req.header()));
}

/** Takes both tokens back, however they were given. */
export function clearSessionCookies(c: Context, cookies: TokenCookies): void {
  append(c, cookies.clear());
}

function append(c: Context, values: readonly string[]): void {
  for (const value of values) c.header("set-cookie", value, { append: true });
}
