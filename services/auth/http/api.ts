import type { BlockList } from "node:net";
import type { Hono } from "hono";
import { byForwardedFor } from "#shared/http/client-address.ts";
import type { CookieSettings } from "#shared/http/cookie-settings.ts";
import { createJsonApi } from "#shared/http/json-api.ts";
import { createTokenGuesses } from "#shared/http/token-guesses.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import { createTokenSearch } from "../sessions/find-token.ts";
import { parseRefreshToken as parseWith } from "../tokens/refresh-token.ts";
import type { FindSubject } from "../users/user-directory.ts";
import { addAuditRoute } from "./audit-route.ts";
import { addAuthRoutes } from "./auth-routes.ts";
import { createCallerAuthentication, createCallerIdentification, type VerifyToken } from "./authenticate-caller.ts";
import { addClientRoutes } from "./client-routes.ts";
import { addOAuthRoutes } from "./oauth-routes.ts";
import { addRenewRoute } from "./renew-route.ts";
import { addSessionRoutes } from "./session-routes.ts";
import type { TenantHosts } from "./tenant-hosts.ts";
import { authWelcome } from "./welcome.ts";

type RouteDeps = Parameters<typeof addAuthRoutes>[1] &
  Parameters<typeof addRenewRoute>[1] &
  Parameters<typeof addSessionRoutes>[1] &
  Parameters<typeof addAuditRoute>[1] &
  Omit<Parameters<typeof addClientRoutes>[1], "guesses"> &
  Parameters<typeof addOAuthRoutes>[1];
type MadeHere =
  | "identify"
  | "authenticate"
  | "parseRefreshToken"
  | "findToken"
  | "cookies"
  | "tenantHosts"
  | "allowedOrigins"
  | "trustedProxies";
/** The settings that the calls of auth follow. */
export interface AuthApiSettings extends CookieSettings {
  readonly AUTH_ALLOWED_ORIGINS: readonly string[];
  readonly AUTH_TRUSTED_PROXIES: BlockList;
  readonly AUTH_TENANT_HOSTS: TenantHosts;
}

/** What the calls of auth need, beside what is made here. */
export type AuthApiDeps = Omit<RouteDeps, MadeHere | "issuer"> & {
  readonly verify: VerifyToken;
  readonly findSubject: FindSubject;
  readonly log: LimitedLog;
  readonly tracer: Tracer;
};

/** Makes auth's HTTP API, with all that reads tokens. */
export function createAuthApi(config: AuthApiSettings, parts: AuthApiDeps): Hono {
  const { AUTH_ISSUER: issuer, AUTH_ALLOWED_ORIGINS: allowedOrigins, AUTH_TRUSTED_PROXIES: trustedProxies } = config;
  const { verify } = parts;
  const parseRefreshToken = (text: string) => parseWith(text, parts.keys.refresh);
  const limits = { maxBodyBytes: 16_384, allowedOrigins, trusted: byForwardedFor(trustedProxies) };
  const api = createJsonApi({ ...limits, welcome: authWelcome, describedFor: "auth" }, parts.log, parts.tracer);
  const [cookies, tenantHosts] = [createTokenCookies(config), config.AUTH_TENANT_HOSTS];
  addAuthRoutes(api, { ...parts, issuer, cookies, tenantHosts, allowedOrigins, trustedProxies });
  addRenewRoute(api, { ...parts, cookies, allowedOrigins });
  const identify = createCallerIdentification({ verify, cookies, allowedOrigins });
  const authenticate = createCallerAuthentication({ ...parts, identify });
  addSessionRoutes(api, { ...parts, identify, authenticate, cookies, trustedProxies });
  addAuditRoute(api, { ...parts, authenticate });
  addClientRoutes(api, { ...parts, authenticate, trustedProxies, guesses: createTokenGuesses() });
  const findToken = createTokenSearch({ ...parts, parseRefreshToken });
  addOAuthRoutes(api, { ...parts, issuer, parseRefreshToken, findToken, trustedProxies });
  return api;
}
