import { z } from "zod";
import { freeNameSchema, freeNamesIn, nameSchema } from "../contract/name-schema.ts";
import { scopeSchema } from "../contract/scope-schema.ts";

/** An `exp` that a date can hold: whole seconds since 1970, up to the end of the year 9999. */
export const expirySchema = z.int().positive().max(253_402_300_799);

/** As many names as the token has room for. */
const namesClaimSchema = z.array(z.unknown()).transform(freeNamesIn).default([]);

/** The claim `purpose` of a token that opens streams and nothing else; other tokens have none. */
export const STREAM_PURPOSE = "stream";

/** The claims of an access token (RFC 9068, section 2.2, and ours). */
export const accessClaimsSchema = z.object({
  iss: z.string(),
  sub: freeNameSchema,
  exp: expirySchema,
  iat: z.int().positive(),
  jti: z.string().min(1).max(64),
  client_id: z.string().min(1).max(64),
  sid: nameSchema,
  tenant_id: nameSchema,
  login_at: z.iso.datetime(),
  roles: namesClaimSchema,
  groups: namesClaimSchema,
  /** Roles and groups did not fit: auth says what they are (`CheckSessions`). */
  roles_by_reference: z.literal(true).optional(),
  scope: scopeSchema.optional(),
  /** The connection id of the one stream that the token is good for calls about. */
  context_id: nameSchema.optional(),
  purpose: z.literal(STREAM_PURPOSE).optional(),
});
export type AccessClaims = z.infer<typeof accessClaimsSchema>;

/** The `typ` header of an access token (RFC 9068, section 2.1): an id or refresh token can never pass for one. */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/** Signature algorithms that are accepted, whatever a token's header says (RFC 8725, section 3.1). */
export const ACCESS_TOKEN_ALGORITHMS = ["ES256", "EdDSA"];

/** How far another host's clock may differ when `exp` and `nbf` are read, in seconds. */
export const CLOCK_LEEWAY_SECONDS = 5;
