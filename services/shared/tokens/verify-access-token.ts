import { errors, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { setVariables } from "#shared/config/read-config.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import { ACCESS_TOKEN_ALGORITHMS, ACCESS_TOKEN_TYPE, type AccessClaims, accessClaimsSchema } from "./access-token.ts";
import { keyAddressesSchema } from "./key-addresses.ts";
import { SECRET_PREFIX } from "./outside-issuers.ts";
import { notAToken, parseToken, tokenInvalid } from "./parse-token.ts";
import { type Report, type TrustedIssuer, verifyToken } from "./verify-token.ts";

/** The issuer and the audience that a token of auth must name. */
export interface ExpectedToken {
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a good token, and the key that signed it. */
export interface VerifiedToken extends AccessClaims {
  readonly kid: string;
  readonly scope: Scope | undefined;
}

/** Auth as an issuer of access tokens. */
export function ownIssuer(keys: JWTVerifyGetKey, { issuer, audience }: ExpectedToken): TrustedIssuer<VerifiedToken> {
  return {
    issuer,
    audiences: [audience],
    audienceClaim: "aud",
    algorithms: ACCESS_TOKEN_ALGORITHMS,
    types: [ACCESS_TOKEN_TYPE],
    isOwn: true,
    keys,
    readClaims: (claims, kid, report) => {
      const { scope, ...others } = readOwnClaims(claims, report);
      return { ...others, scope, kid };
    },
  };
}

/**
 * Checks an access token of auth as `verifyToken` does; one of another issuer is refused.
 * @throws {AppError} `token_expired`, `token_invalid`, or `unavailable` when the keys cannot be had.
 */
export async function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey,
  expected: ExpectedToken,
): Promise<VerifiedToken> {
  const parsed = parseToken(token);
  if (parsed === undefined) throw notAToken();
  const { iss } = parsed.payload;
  if (iss !== expected.issuer)
    throw tokenInvalid("the token's issuer (iss) is not auth", { claim: "iss", issuer: iss });
  return verifyToken(parsed, ownIssuer(keys, expected));
}

/** These keys, without those that are withdrawn: a key set may be cached for minutes after one was taken out of it. */
export function withoutWithdrawn(keys: JWTVerifyGetKey, withdrawn: { has(kid: string): boolean }): JWTVerifyGetKey {
  return (header, token) => {
    if (header.kid !== undefined && withdrawn.has(header.kid)) throw new errors.JWKSNoMatchingKey();
    return keys(header, token);
  };
}

function readOwnClaims(claims: object, report: Report | undefined): AccessClaims {
  const parsed = accessClaimsSchema.safeParse(claims);
  if (!parsed.success) {
    const claim = parsed.error.issues[0]?.path.join(".") ?? "";
    const message = `the token's claim ${claim} is missing, or not as auth writes it`;
    throw tokenInvalid(message, { claim }, parsed.error);
  }
  const { tenant_id, sub, sid, roles, groups } = parsed.data;
  report?.("tenant", () => tenant_id);
  report?.("subject", () => `${sub}, session ${sid}`);
  report?.("roles", () => roles.join(", "));
  report?.("groups", () => groups.join(", "));
  return parsed.data;
}

/** The settings of a service that checks access tokens. */
export const verifierSettings = {
  AUTH_JWKS_URL: keyAddressesSchema
    .default("http://127.0.0.1:8081/.well-known/jwks.json")
    .describe("where auth publishes the keys that its tokens are checked with, or several such addresses with commas"),
  AUTH_ISSUER: z
    .string()
    .min(1)
    .default("http://localhost:8081")
    .describe("`iss` of every token: the URL at which outsiders reach auth, the same in all services"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice").describe("`aud` of every token, the same in all services"),
  AUTH_ISSUERS_FILE: z.string().optional().meta({
    description:
      "a YAML file of outside issuers whose tokens hold as well; the secrets that it names are in variables `AUTH_ISSUER_SECRET_…`",
    see: "guides/login-providers.md",
  }),
};

/** Those settings, read, and the variables `AUTH_ISSUER_SECRET_…` that the issuers' file may name. */
export type VerifierConfig = Readonly<z.infer<z.ZodObject<typeof verifierSettings>>> & {
  readonly issuerSecrets: Readonly<Record<string, string>>;
};

/** The secrets that the issuers' file may name: it must not be able to send any other variable somewhere. */
export function issuerSecretsIn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(setVariables(env)).filter(([name]) => name.startsWith(SECRET_PREFIX)));
}
