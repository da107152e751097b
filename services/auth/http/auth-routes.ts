import { readScope } from "./read-scope.ts";
import type { BlockList } from "node:net";
import type { Context, Handler, Hono } from "hono";
import type { Counter } from "prom-client";
import { z } from "zod";
import { REFRESH_TOKEN_COOKIE } from "#shared/tokens/access-token.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { readJson } from "#shared/http/json-api.ts";
import { readCookie, readTokenSource } from "#shared/http/token-source.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { AuthMetrics } from "../metrics.ts";
import type { LogIn } from "../sessions/log-in.ts";
import type { RefreshSession } from "../sessions/refresh-session.ts";
import type { EndedSession, RevokeSession } from "../sessions/revoke-session.ts";
import type { SessionStore } from "../sessions/session.ts";
import type { IssuedTokens } from "../tokens/issue-tokens.ts";
import { parseRefreshToken } from "../tokens/refresh-token.ts";
import { requireTrustedPage, sessionOf, type VerifyToken } from "./authenticate-caller.ts";
import { clientAddressOf } from "#shared/http/client-address.ts";
import { deviceLabelOf, deviceSchema } from "./device-label.ts";
import { readLoginDevice, rememberLoginDevice } from "./login-device.ts";
import { clearSessionCookies, setSessionCookies } from "./session-cookies.ts";

interface AuthRoutes {
  readonly logIn: LogIn;
  readonly refresh: RefreshSession;
  readonly revoke: RevokeSession;
  readonly sessions: SessionStore;
  readonly keys: Keys;
  /** Auth's own URL. */
  readonly issuer: string;
  readonly verify: VerifyToken;
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: BlockList;
  readonly metrics: AuthMetrics;
}

/** A password may be any text of so many bytes. */
const MAX_PASSWORD_BYTES = 4_096;

const passwordSchema = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= MAX_PASSWORD_BYTES, `may have ${MAX_PASSWORD_BYTES} bytes of UTF-8`);

const loginSchema = z.object({
  tenant: nameSchema,
  /** Keyboards and password managers spell one name in two ways. */
  username: z.string().normalize("NFC").pipe(freeNameSchema),
  password: passwordSchema,
  device: deviceSchema.optional(),
  scope: z.string().optional(),
});
const refreshSchema = z.object({ refresh_token: z.string().max(256).optional(), scope: z.string().optional() });

/** Adds login, refresh, logout and the published keys. */
export function addAuthRoutes(api: Hono, routes: AuthRoutes): void {
  const { logIn, refresh, revoke, keys, allowedOrigins, trustedProxies, metrics } = routes;

  api.get("/.well-known/jwks.json", (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json(keys.jwks);
  });

  api.post(
    "/v1/auth/login",
    counted(metrics.logins, async (c) => {
      requireTrustedPage(c, allowedOrigins);
      const { device = deviceLabelOf(c.req.header("user-agent")), ...body } = await readJson(c, loginSchema);
      const credentials = { ...body, scope: readScope(body.scope) };
      const knownDevice = readLoginDevice(c, body, routes);
      const origin = { device, knownDevice, address: clientAddressOf(c, trustedProxies) };
      const response = answerTokens(c, await logIn(credentials, origin));
      rememberLoginDevice(c, body, knownDevice, routes);
      return response;
    }),
  );

  api.post(
    "/v1/auth/refresh",
    counted(metrics.refreshes, async (c) => {
      requireTrustedPage(c, allowedOrigins);
      const asked = await readRefresh(c);
      const token = parseRefreshToken(asked.token, keys.refresh);
      const request = { address: clientAddressOf(c, trustedProxies), scope: readScope(asked.scope) };
      return answerTokens(c, await refresh(token, request));
    }),
  );

  api.post("/v1/auth/logout", async (c) => {
    const session = await sessionToEnd(c, routes);
    const address = clientAddressOf(c, trustedProxies);
    if (session !== undefined) await revoke(session, { reason: "logout", address });
    clearSessionCookies(c);
    return c.body(null, 204);
  });
}

/** Counts how a request ended: `ok`, or the error's code. */
function counted(counter: Counter<"outcome">, handle: (c: Context) => Promise<Response>): Handler {
  return async (c) => {
    try {
      const response = await handle(c);
      counter.inc({ outcome: "ok" });
      return response;
    } catch (error) {
      counter.inc({ outcome: toAppError(error).code });
      throw error;
    }
  };
}

function answerTokens(c: Context, tokens: IssuedTokens): Response {
  setSessionCookies(c, tokens);
  return c.json({
    access_token: tokens.accessToken,
    token_type: "Bearer",
    expires_in: tokens.expiresInSeconds,
    refresh_token: tokens.refreshToken,
    session_id: tokens.sid,
    ...(tokens.scope === undefined ? {} : { scope: tokens.scope }),
  });
}

async function readRefresh(c: Context): Promise<{ readonly token: string; readonly scope: string | undefined }> {
  const body = (await c.req.text()) === "" ? {} : await readJson(c, refreshSchema);
  const token = body.refresh_token ?? readCookie(c.req.header(), REFRESH_TOKEN_COOKIE);
  if (token === undefined) throw new AppError("token_missing", "the request carries no refresh token");
  return { token, scope: body.scope };
}

/** The session that the request's token speaks for; undefined when it is over already. */
async function sessionToEnd(c: Context, routes: AuthRoutes): Promise<EndedSession | undefined> {
  const headers = c.req.header();
  const source = readTokenSource({ headers, query: new URL(c.req.url).searchParams });
  const isExplicit = source !== undefined && source.from !== "cookie";
  if (!isExplicit) requireTrustedPage(c, routes.allowedOrigins);
  try {
    if (source === undefined) throw new AppError("token_missing", "the request carries no token");
    const claims = await routes.verify(source.token);
    requireUse(claims, "request");
    return sessionOf(claims);
  } catch (error) {
    // A browser whose access token has run out still has its refresh token; an explicit token does not use it.
    const refreshToken = isExplicit ? undefined : readCookie(headers, REFRESH_TOKEN_COOKIE);
    if (refreshToken === undefined) throw error;
    return routes.sessions.find(parseRefreshToken(refreshToken, routes.keys.refresh).family);
  }
}
