import { z } from "zod";

/** The answer to a login and to a refresh (RFC 6749, section 5.1). */
export const tokensSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int().describe("Seconds that the access token lives."),
    refresh_token: z.string().describe("Good for one refresh."),
    session_id: z.string(),
    scope: z.string().optional().describe("What the tokens are limited to, where the request asked for that."),
  })
  .meta({ id: "Tokens" });

/** An answer with an access token, and no refresh token. */
export const accessTokenSchema = tokensSchema.omit({ refresh_token: true }).meta({ id: "AccessToken" });

/** The answer of a token endpoint: with a refresh token only for the grant that brought one. */
export const grantedTokensSchema = tokensSchema.partial({ refresh_token: true }).meta({ id: "GrantedTokens" });

/** A public key (RFC 7517), with the members of its kind. */
const publicKeySchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string() }).meta({ id: "PublicKey" });

/** Public keys (RFC 7517). */
export const keySetSchema = z.looseObject({ keys: z.array(publicKeySchema) }).meta({ id: "KeySet" });

/** A list of one's sessions. */
export const sessionsSchema = z
  .object({
    sessions: z.array(
      z.object({
        session_id: z.string(),
        client_id: z.string(),
        device: z.string(),
        created_at: z.string(),
        last_seen_at: z.iso.datetime(),
        ends_at: z.iso.datetime(),
        current: z.boolean().describe("Whether it is the session of the request."),
      }),
    ),
  })
  .meta({ id: "Sessions" });

/** A page of the audit trail. */
export const auditSchema = z
  .object({
    entries: z
      .array(z.looseObject({ id: z.string(), at: z.string(), event: z.string() }))
      .describe("The oldest first."),
    next: z.string().optional().describe("The `after` of the next page; absent on the last one."),
  })
  .meta({ id: "AuditEntries" });

/** A failure as OAuth says it (RFC 6749, section 5.2). */
export const oauthErrorSchema = z
  .object({ error: z.string(), error_description: z.string().optional() })
  .meta({ id: "OAuthError" });

/** Where the endpoints are (RFC 8414). */
export const metadataSchema = z
  .looseObject({
    issuer: z.string(),
    token_endpoint: z.string(),
    revocation_endpoint: z.string(),
    introspection_endpoint: z.string(),
    jwks_uri: z.string(),
    grant_types_supported: z.array(z.string()),
  })
  .meta({ id: "Metadata" });

/** What a token says (RFC 7662): nothing but `false` where it is not live, or none of the client's business. */
export const introspectionSchema = z.looseObject({ active: z.boolean() }).meta({ id: "Introspection" });
