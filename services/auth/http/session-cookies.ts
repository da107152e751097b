import type { Context } from "hono";
import { setCookie } from "hono/cookie";
import { ACCESS_TOKEN_COOKIE, REFRESH_TOKEN_COOKIE } from "#shared/contract/access-token.ts";
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

function setBoth(c: Context, accessToken: string, refreshToken: string, maxAge: number): void {
  const options = { httpOnly: true, sameSite: "Lax", path: "/", secure: !isPlainLocalhost(c), maxAge } as const;
  setCookie(c, ACCESS_TOKEN_COOKIE, accessToken, options);
  setCookie(c, REFRESH_TOKEN_COOKIE, refreshToken, options);
}

/** Browsers keep Secure cookies of http://localhost, but curl and older ones do not. */
function isPlainLocalhost(c: Context): boolean {
  const { hostname } = new URL(c.req.url);
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1";
}
