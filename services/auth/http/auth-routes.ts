import { readScope } from "./read-scope.ts";
import type { BlockList } from "node:net";
import type { Context, Handler, Hono } from "hono";
import type { Counter } from "prom-client";
import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import type { TokenCookies } from "#shared/http/token-cookies.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { AuthMetrics } from "../metrics.ts";
import type { LogIn } from "../sessions/log-in.ts";
import type { RefreshSession } from "../sessions/refresh-session.ts";
import type { RevokeSession } from "../sessions/revoke-session.ts";
import type { SessionStore } from "../sessions/session.ts";
import type { IssuedTokens } from "../tokens/issue-tokens.ts";
import { keySetSchema, tokensSchema } from "./auth-answers.ts";
import { requireTrustedPage, type VerifyToken } from "./authenticate-caller.ts";
import { clientAddressOf, hostOf } from "#shared/http/client-address.ts";
import { deviceLabelOf, deviceSchema } from "./device-label.ts";
import { readLoginDevice, rememberLoginDevice } from "./login-device.ts";
import { readRefreshToken, REFRESH_TOKEN_ERRORS, refreshBodySchema } from "./read-refresh-token.ts";
import { clearSessionCookies, setSessionCookies } from "./session-cookies.ts";
import { sessionsToEnd } from "./sessions-to-end.ts";
import { createPlainIssuerAlarm } from "./plain-issuer-alarm.ts";
import { type TenantHosts, tenantOfLogin } from "./tenant-hosts.ts";

interface AuthRoutes {
  readonly logIn: LogIn;
  readonly refresh: RefreshSession;
  readonly revoke: RevokeSession;
  readonly sessions: SessionStore;
  readonly keys: Keys;
  /** Auth's own URL. */
  readonly issuer: string;
  readonly verify: VerifyToken;
  readonly cookies: TokenCookies;
  readonly tenantHosts: TenantHosts;
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: BlockList;
  readonly metrics: AuthMetrics;
  readonly log: LimitedLog;
}

/** A password may be any text of so many bytes. */
const MAX_PASSWORD_BYTES = 4_096;

const passwordSchema = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= MAX_PASSWORD_BYTES, `may have ${MAX_PASSWORD_BYTES} bytes of UTF-8`);

const loginSchema = z.object({
  tenant: nameSchema.optional().describe("May be left out where the host has a tenant."),
  /** Keyboards and password managers spell one name in two ways. */
  username: z.string().normalize("NFC").pipe(freeNameSchema),
  password: passwordSchema,
  device: deviceSchema.optional().describe("What the list of sessions calls this one."),
  scope: z.string().optional().describe("Limits what the tokens may do."),
});

const KEYS = describeCall({
  id: "getKeys",
  tag: "Tokens",
  summary: "Reads the keys that access tokens are checked by (RFC 7517)",
  by: [],
  answers: { 200: jsonAnswer("The public keys.", keySetSchema) },
  errors: [],
  example: { status: 200 },
});

const LOG_IN = describeCall({
  id: "logIn",
  tag: "Sessions",
  summary: "Begins a session by a password, and sets its cookies",
  by: [],
  body: jsonBody(loginSchema),
  answers: { 200: jsonAnswer("The session's tokens; both are cookies too.", tokensSchema) },
  errors: ["scope_invalid", "bad_credentials", "forbidden", "cross_site", "too_many_attempts", "unavailable"],
  example: { body: { tenant: "acme", username: "ann", password: "correct-horse" }, status: 200 },
});

const REFRESH = describeCall({
  id: "refreshTokens",
  tag: "Sessions",
  summary: "Exchanges a refresh token for the next tokens of its session",
  about: "A refresh token is good for one refresh. Without a body it is the cookie's.",
  by: ["body", "refreshCookie"],
  body: { ...jsonBody(refreshBodySchema), isOptional: true },
  answers: { 200: jsonAnswer("The session's next tokens; both are cookies too.", tokensSchema) },
  errors: [...REFRESH_TOKEN_ERRORS, "scope_invalid"],
  example: { body: { refresh_token: "f3Zk.1.c2VjcmV0" }, status: 200 },
});

const LOG_OUT = describeCall({
  id: "logOut",
  tag: "Sessions",
  summary: "Ends the session of the request, cuts its streams and clears its cookies",
  by: [...BY_TOKEN, "refreshCookie"],
  answers: { 204: { is: "The session has ended." } },
  errors: TOKEN_ERRORS,
  example: { status: 204 },
});

/** Adds login, refresh, logout and the published keys. */
export function addAuthRoutes(api: Hono, routes: AuthRoutes): void {
  const { logIn, refresh, revoke, keys, cookies, allowedOrigins, trustedProxies, metrics } = routes;
  const tellPlainIssuer = createPlainIssuerAlarm(routes.issuer, routes.log);

  api.get("/.well-known/jwks.json", KEYS, (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json(keys.jwks);
  });

  api.post(
    "/v1/auth/login",
    LOG_IN,
    counted(metrics.logins, async (c) => {
      requireTrustedPage(c, allowedOrigins);
      const { device = deviceLabelOf(c.req.header("user-agent")), ...body } = await readJson(c, loginSchema);
      const tenant = tenantOfLogin(routes.tenantHosts, hostOf(c, trustedProxies), body.tenant);
      const credentials = { ...body, tenant, scope: readScope(body.scope) };
      const knownDevice = readLoginDevice(c, credentials, routes);
      const origin = { device, knownDevice, address: clientAddressOf(c, trustedProxies) };
      const response = answerTokens(c, cookies, await logIn(credentials, origin));
      c.set("caller", { tenant, subject: body.username });
      rememberLoginDevice(c, credentials, knownDevice, routes);
      tellPlainIssuer(c);
      return response;
    }),
  );

  api.post(
    "/v1/auth/refresh",
    REFRESH,
    counted(metrics.refreshes, async (c) => {
      requireTrustedPage(c, allowedOrigins);
      const token = await readRefreshToken(c, routes);
      const request = { address: clientAddressOf(c, trustedProxies), scope: readScope(token.scope) };
      return answerTokens(c, cookies, await refresh(token, request));
    }),
  );

  api.post("/v1/auth/logout", LOG_OUT, async (c) => {
    const sessions = await sessionsToEnd(c, routes);
    const address = clientAddressOf(c, trustedProxies);
    await Promise.all(sessions.map((session) => revoke(session, { reason: "logout", address })));
    clearSessionCookies(c, cookies);
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

function answerTokens(c: Context, cookies: TokenCookies, tokens: IssuedTokens): Response {
  setSessionCookies(c, cookies, tokens);
  return c.json({
    access_token: tokens.accessToken,
    token_type: "Bearer",
    expires_in: tokens.expiresInSeconds,
    refresh_token: tokens.refreshToken,
    session_id: tokens.sid,
    ...(tokens.scope === undefined ? {} : { scope: tokens.scope }),
  });
}
