import type { ErrorCode } from "#shared/protocol/problem-codes.ts";

/** The ways in which a request says who makes it, as OpenAPI 3.1 describes them. */
export const CREDENTIALS = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token; for policy's calls an operator's token too.",
  },
  xAuthToken: { type: "apiKey", in: "header", name: "X-Auth-Token", description: "An access token." },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: "auth_token",
    description: "The access token of a login, from a page of a listed origin. On https the cookie has a prefix.",
  },
  refreshCookie: {
    type: "apiKey",
    in: "cookie",
    name: "refresh_token",
    description: "The refresh token of a login, from a page of a listed origin. On https the cookie has a prefix.",
  },
  client: { type: "http", scheme: "basic", description: "A service client's id and secret (RFC 6749, section 2.3.1)." },
} as const;

/** A way in which a request says who makes it. */
export type Credential = keyof typeof CREDENTIALS;

/** Calls that a page may make by its cookie. */
export const BY_TOKEN: readonly Credential[] = ["bearer", "xAuthToken", "cookie"];

/** Calls that no cookie is enough for. */
export const BY_EXPLICIT_TOKEN: readonly Credential[] = ["bearer", "xAuthToken"];

/** What may be wrong with an access token that a request brings explicitly, or with its session. */
export const EXPLICIT_TOKEN_ERRORS = [
  "token_missing",
  "token_invalid",
  "token_expired",
  "token_for_streams",
  "token_bound",
  "token_in_url",
  "conflicting_tokens",
  "session_ended",
  "unavailable",
] as const satisfies readonly ErrorCode[];

/** The same, where a cookie is one of the places for a token. */
export const TOKEN_ERRORS = [...EXPLICIT_TOKEN_ERRORS, "cross_site"] as const satisfies readonly ErrorCode[];
