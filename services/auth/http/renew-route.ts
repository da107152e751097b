import type { Context, Hono } from "hono";
import { decodeJwt } from "jose";
import { AppError } from "#shared/errors/app-error.ts";
import type { RenewAccess } from "../sessions/renew-access.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { accessTokenSchema } from "./auth-answers.ts";
import { requireTrustedPage } from "./authenticate-caller.ts";
import {
  readRefreshToken,
  REFRESH_TOKEN_ERRORS,
  refreshBodySchema,
  type RefreshTokenReading,
} from "./read-refresh-token.ts";

/** What the route renews by. */
export interface RenewRoute extends RefreshTokenReading {
  readonly renewAccess: RenewAccess;
  readonly allowedOrigins: readonly string[];
}

const RENEW = describeCall({
  id: "renewAccessToken",
  tag: "Sessions",
  summary: "Issues an access token for a refresh token, which stays as it is",
  about: "For backends that renew on behalf of their clients. Without a body the refresh token is the cookie's.",
  by: ["body", "refreshCookie"],
  body: { ...jsonBody(refreshBodySchema.omit({ scope: true })), isOptional: true },
  answers: {
    200: jsonAnswer("A new access token; it is a cookie too where the refresh token was.", accessTokenSchema),
  },
  errors: REFRESH_TOKEN_ERRORS,
  example: { body: { refresh_token: "f3Zk.1.c2VjcmV0" }, status: 200 },
});

/**
 * Adds `POST /v1/auth/renew`: a new access token for a refresh token that stays as it is, so that the browser remains the one
 * who rotates. For backends that renew on behalf of their clients.
 */
export function addRenewRoute(api: Hono, route: RenewRoute): void {
  api.post("/v1/auth/renew", RENEW, async (c) => {
    requireTrustedPage(c, route.allowedOrigins);
    const token = await readRefreshToken(c, route);
    const renewed = await route.renewAccess(token.text, "requests");
    if (renewed === "reused")
      throw new AppError("token_reused", "the refresh token was used before; the session has ended");
    if (renewed === "unavailable") throw new AppError("unavailable", "the end of the session is not recorded yet");
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
