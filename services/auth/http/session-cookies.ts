import type { Context } from "hono";
import { ACCESS_TOKEN_COOKIE, REFRESH_TOKEN_COOKIE } from "#shared/tokens/access-token.ts";
import { tokenCookie } from "#shared/http/token-cookie.ts";
import type { IssuedTokens } from "../tokens/issue-tokens.ts";

/**
 * Gives the browser both tokens. Both cookies live as long as the session: one that went with its token would turn the
 * reconnect of a stream into an anonymous request, which an EventSource does not survive.
 */
export function setSessionCookies(c: Context, tokens: IssuedTokens): void {
  setBoth(c, tokens.accessToken, tokens.refreshToken, tokens.sessionRemainingSeconds);
}

/** Takes both tokens back. */
export function clearSessionCookies(c: Context): void {
  setBoth(c, "", "", 0);
}

function setBoth(c: Context, accessToken: string, refreshToken: string, maxAgeSeconds: number): void {
  const { hostname } = new URL(c.req.url);
  const browser = { hostname, maxAgeSeconds };
  c.header("set-cookie", tokenCookie(ACCESS_TOKEN_COOKIE, accessToken, browser), { append: true });
  c.header("set-cookie", tokenCookie(REFRESH_TOKEN_COOKIE, refreshToken, browser), { append: true });
}
