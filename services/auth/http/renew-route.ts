import type { Context, Hono } from "hono";
import { decodeJwt } from "jose";
import { AppError } from "#shared/errors/app-error.ts";
import type { RenewAccess } from "../sessions/renew-access.ts";
import { requireTrustedPage } from "./authenticate-caller.ts";
import { readRefreshToken, type RefreshTokenReading } from "./read-refresh-token.ts";

/** What the route renews by. */
export interface RenewRoute extends RefreshTokenReading {
  readonly renewAccess: RenewAccess;
  readonly allowedOrigins: readonly string[];
}

/**
 * Adds `POST /v1/auth/renew`: a new access token for a refresh token that stays as it is, so that the browser remains the one
 * who rotates. For backends that renew on behalf of their clients.
 */
export function addRenewRoute(api: Hono, route: RenewRoute): void {
  api.post("/v1/auth/renew", async (c) => {
    requireTrustedPage(c, route.allowedOrigins);
    const token = await readRefreshToken(c, route);
    const renewed = await route.renewAccess(token.text, "requests");
    if (renewed === "reused")
      throw new AppError("token_reused", "the refresh token was used before; the session has ended");
    if (renewed === "refused") throw new AppError("session_ended", "the refresh token renews nothing; log in again");
    const { accessToken, sessionRemainingSeconds } = renewed;
    if (token.cookieNames !== undefined) {
      const given = route.cookies.give({ access: accessToken }, sessionRemainingSeconds, token.cookieNames);
      for (const value of given) c.header("set-cookie", value, { append: true });
    }
    return answer(c, accessToken, token.family);
  });
}

function answer(c: Context, accessToken: string, sid: string): Response {
  const { exp = 0, iat = 0 } = decodeJwt(accessToken);
  return c.json({ access_token: accessToken, token_type: "Bearer", expires_in: exp - iat, session_id: sid });
}
