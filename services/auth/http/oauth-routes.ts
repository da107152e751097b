import { readScope } from "./read-scope.ts";
import type { BlockList } from "node:net";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";
import type { AuthMetrics } from "../metrics.ts";
import type { AuthenticateClient, IssueClientToken } from "../sessions/issue-client-token.ts";
import type { RefreshSession } from "../sessions/refresh-session.ts";
import type { RevokeSession } from "../sessions/revoke-session.ts";
import type { FindToken } from "../sessions/find-token.ts";
import type { IssuedTokens } from "../tokens/issue-tokens.ts";
import type { RefreshToken } from "../tokens/refresh-token.ts";
import type { ServiceClient } from "../users/client-directory.ts";
import { clientAddressOf } from "#shared/http/client-address.ts";
import { grantedTokensSchema, introspectionSchema, metadataSchema, oauthErrorSchema } from "./auth-answers.ts";
import { oauthErrorOf, oauthErrorResponse } from "./oauth-error.ts";
import { readClient, readForm } from "./oauth-request.ts";
import { isFor, requireUse } from "#shared/tokens/require-use.ts";

interface OAuthRoutes {
  readonly issuer: string;
  /** Whether clients may come with certificates. */
  readonly takesCertificates: boolean;
  readonly refresh: RefreshSession;
  readonly parseRefreshToken: (text: string) => RefreshToken;
  readonly authenticateClient: AuthenticateClient;
  readonly issueClientToken: IssueClientToken;
  readonly findToken: FindToken;
  readonly revoke: RevokeSession;
  readonly trustedProxies: BlockList;
  readonly metrics: AuthMetrics;
}

const text = (maxCharacters: number) => z.string().max(maxCharacters).optional();
const clientParameters = { client_id: text(64), client_secret: text(1_024) };
const tokenForm = z.object({
  grant_type: z.string(),
  refresh_token: text(256),
  scope: text(2_048),
  ...clientParameters,
});
const tokenQuestionForm = z.object({ token: z.string().max(8_192), token_type_hint: text(64), ...clientParameters });

const FORM = "application/x-www-form-urlencoded";
const refusals = { schema: oauthErrorSchema, statusOf: (code: ErrorCode) => oauthErrorOf(code)[0] };

const TOKEN = describeCall({
  id: "grantToken",
  tag: "OAuth 2.0",
  summary: "Issues tokens for a service client, or by a refresh token (RFC 6749)",
  by: ["client", "body"],
  body: { content: { [FORM]: tokenForm } },
  answers: { 200: jsonAnswer("The tokens.", grantedTokensSchema) },
  errors: [
    "bad_credentials",
    "scope_invalid",
    "token_invalid",
    "token_reused",
    "session_ended",
    "too_many_attempts",
    "unavailable",
  ],
  refusals,
  example: { body: { grant_type: "client_credentials" }, status: 200 },
});

const REVOKE = describeCall({
  id: "revokeToken",
  tag: "OAuth 2.0",
  summary: "Ends the session of an access or refresh token (RFC 7009)",
  about: "A client's token needs that client's credentials, a person's token none.",
  by: ["client", "body"],
  body: { content: { [FORM]: tokenQuestionForm } },
  answers: { 200: { is: "The session has ended, or the token was none." } },
  errors: ["bad_credentials", "token_invalid", "token_for_streams", "token_bound", "too_many_attempts", "unavailable"],
  refusals,
  example: { body: { token: "f3Zk.1.c2VjcmV0" }, status: 200 },
});

const INTROSPECT = describeCall({
  id: "introspectToken",
  tag: "OAuth 2.0",
  summary: "Says what a token of the client's tenant is good for (RFC 7662)",
  by: ["client", "body"],
  body: { content: { [FORM]: tokenQuestionForm } },
  answers: { 200: jsonAnswer("What the token says, where it is live.", introspectionSchema) },
  errors: ["bad_credentials", "too_many_attempts", "unavailable"],
  refusals,
  example: { body: { token: "f3Zk.1.c2VjcmV0" }, status: 200 },
});

const METADATA = describeCall({
  id: "getMetadata",
  tag: "OAuth 2.0",
  summary: "Says where the endpoints are, and what they take (RFC 8414)",
  by: [],
  answers: { 200: jsonAnswer("The metadata.", metadataSchema) },
  errors: [],
  example: { status: 200 },
});

const UNSUPPORTED_GRANT = {
  error: "unsupported_grant_type",
  error_description: "grant_type must be client_credentials or refresh_token",
};

/** Adds the OAuth 2.0 endpoints: token (RFC 6749), revoke (RFC 7009), introspect (RFC 7662) and their metadata (RFC 8414). */
export function addOAuthRoutes(api: Hono, routes: OAuthRoutes): void {
  const { findToken, metrics } = routes;
  const oauth = new Hono();
  oauth.onError((thrown, c) => {
    const error = toAppError(thrown);
    if (c.req.path.endsWith("/token")) metrics.tokenRequests.inc({ outcome: error.code });
    return oauthErrorResponse(c, error);
  });

  oauth.post("/token", TOKEN, async (c) => {
    const form = await readForm(c, tokenForm);
    const client = await authenticate(c, form, routes);
    const tokens = await grant(c, form, client, routes);
    if (tokens === undefined) return c.json(UNSUPPORTED_GRANT, 400);
    metrics.tokenRequests.inc({ outcome: "ok" });
    return c.json(tokens);
  });

  oauth.post("/revoke", REVOKE, async (c) => {
    const form = await readForm(c, tokenQuestionForm);
    const client = await authenticate(c, form, routes);
    const found = await findToken(form.token);
    if (found === undefined) return c.body(null, 200);
    requireUse(found.use, "request");
    const isClients = found.clientId === found.subject;
    if (client === undefined && isClients) throw new AppError("bad_credentials", "the token is a client's; say which");
    if (client !== undefined && !(isClients && client.username === found.clientId && client.tenant === found.tenant)) {
      throw new AppError("token_invalid", "the token was issued to another client");
    }
    await routes.revoke(found, { reason: "token_revoked", address: clientAddressOf(c, routes.trustedProxies) });
    return c.body(null, 200);
  });

  oauth.post("/introspect", INTROSPECT, async (c) => {
    const form = await readForm(c, tokenQuestionForm);
    const client = await authenticate(c, form, routes);
    if (client === undefined) throw new AppError("bad_credentials", "introspection is for service clients");
    if (client.scope !== undefined) throw new AppError("forbidden", "the client is limited, and introspects no tokens");
    const found = await findToken(form.token);
    // A token of another tenant is none of the client's business, and says nothing about itself.
    // What opens streams only, or is bound to one, is nothing to whoever introspects it.
    const isTheirs = found?.tenant === client.tenant && found.isLive && isFor(found.use, "request");
    if (!isTheirs) return c.json({ active: false });
    return c.json({ active: true, ...found.claims, iss: routes.issuer });
  });

  api.get("/.well-known/oauth-authorization-server", METADATA, (c) => {
    c.header("cache-control", "public, max-age=300");
    return c.json(metadataOf(routes));
  });
  api.route("/v1/auth", oauth);
}

type TokenForm = z.infer<typeof tokenForm>;

/** The service client that the request authenticates; undefined for a public client. */
async function authenticate(
  c: Context,
  form: Pick<TokenForm, "client_id" | "client_secret">,
  { authenticateClient, trustedProxies }: OAuthRoutes,
): Promise<ServiceClient | undefined> {
  const presented = readClient(c, form);
  return presented && authenticateClient({ ...presented, address: clientAddressOf(c, trustedProxies) });
}

/** The tokens of a grant; undefined for an unknown grant type. */
async function grant(
  c: Context,
  form: TokenForm,
  client: ServiceClient | undefined,
  routes: OAuthRoutes,
): Promise<Record<string, unknown> | undefined> {
  const request = { address: clientAddressOf(c, routes.trustedProxies), scope: readScope(form.scope) };
  switch (form.grant_type) {
    case "client_credentials":
      if (client === undefined) throw new AppError("bad_credentials", "the grant is for service clients");
      return tokenResponseOf(await routes.issueClientToken(client, request));
    case "refresh_token": {
      if (form.refresh_token === undefined) throw new AppError("malformed_request", "refresh_token is missing");
      // Service clients have no refresh tokens, so what one presents was issued to somebody else.
      if (client !== undefined) throw new AppError("token_invalid", "the token was issued to another client");
      const tokens = await routes.refresh(routes.parseRefreshToken(form.refresh_token), request);
      return { ...tokenResponseOf(tokens), refresh_token: tokens.refreshToken };
    }
    default:
      return undefined;
  }
}

function tokenResponseOf({ accessToken, expiresInSeconds, sid, scope }: IssuedTokens): Record<string, unknown> {
  const limit = scope === undefined ? {} : { scope };
  return { access_token: accessToken, token_type: "Bearer", expires_in: expiresInSeconds, session_id: sid, ...limit };
}

function metadataOf({ issuer, takesCertificates }: OAuthRoutes): Record<string, unknown> {
  const base = issuer.replace(/\/$/, "");
  const methods = ["client_secret_basic", "client_secret_post", ...(takesCertificates ? ["tls_client_auth"] : [])];
  return {
    issuer,
    token_endpoint: `${base}/v1/auth/token`,
    token_endpoint_auth_methods_supported: [...methods, "none"],
    grant_types_supported: ["client_credentials", "refresh_token"],
    response_types_supported: [],
    revocation_endpoint: `${base}/v1/auth/revoke`,
    revocation_endpoint_auth_methods_supported: [...methods, "none"],
    introspection_endpoint: `${base}/v1/auth/introspect`,
    introspection_endpoint_auth_methods_supported: methods,
    jwks_uri: `${base}/.well-known/jwks.json`,
  };
}
