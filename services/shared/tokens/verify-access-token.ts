import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import type { Scope } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import {
  ACCESS_TOKEN_ALGORITHMS,
  ACCESS_TOKEN_TYPE,
  type AccessClaims,
  accessClaimsSchema,
  CLOCK_LEEWAY_SECONDS,
} from "./access-token.ts";
import { kidSchema } from "../contract/key-ring.ts";

/** The longest token in a header: some providers write thousands of groups into theirs. */
const MAX_TOKEN_CHARACTERS = 65_536;

/**
 * A JWT in compact form (RFC 7515, section 3.1), its header and signature no longer than any we know (ML-DSA-87 signs with 6 170
 * characters). Nobody should spend a signature check on anything else.
 */
const TOKEN_SHAPE = /^[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{1,8192}$/;

/**
 * What is looked at of a token's header before its key is looked for. A key that the token brings or points to is no key
 * (RFC 8725, section 3.10), and an extension that must be understood is not (RFC 7515, section 4.1.11).
 */
const headerSchema = z.object({
  kid: kidSchema,
  crit: z.never().optional(),
  jku: z.never().optional(),
  jwk: z.never().optional(),
  x5c: z.never().optional(),
  x5u: z.never().optional(),
});

/** The issuer and the audience that a token must name. */
export interface ExpectedToken {
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a good token, and the key that signed it. */
export interface VerifiedToken extends AccessClaims {
  readonly kid: string;
  readonly scope: Scope | undefined;
}

/** All that is pinned when a token of one issuer is checked, whatever the token says of itself. */
export interface TrustedIssuer<Claims> extends ExpectedToken {
  readonly algorithms: readonly string[];
  /** The `typ` header. */
  readonly type: string;
  readonly keys: JWTVerifyGetKey;
  /** Reads the claims of a genuine token; throws where they are not as expected. */
  readonly readClaims: (payload: JWTPayload, kid: string) => Claims;
}

/**
 * Checks a token's signature and claims with everything pinned (RFC 8725: algorithm, `typ`, issuer, audience, key), at the
 * time `now` (milliseconds since 1970).
 * @throws {AppError} `token_expired`; `token_invalid` for any other fault of the token; `unavailable` when the keys cannot be had.
 */
export async function verifyToken<Claims>(
  token: string,
  trusted: TrustedIssuer<Claims>,
  now = Date.now(),
): Promise<Claims> {
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw new AppError("token_invalid", `the access token is longer than ${MAX_TOKEN_CHARACTERS} characters`);
  }
  if (!TOKEN_SHAPE.test(token)) throw new AppError("token_invalid", "the access token is not a JWT");
  try {
    const { kid } = headerSchema.parse(decodeProtectedHeader(token));
    const { payload } = await jwtVerify(token, trusted.keys, {
      algorithms: [...trusted.algorithms],
      typ: trusted.type,
      issuer: trusted.issuer,
      audience: trusted.audience,
      currentDate: new Date(now),
      clockTolerance: CLOCK_LEEWAY_SECONDS,
      requiredClaims: ["exp", "sub"],
    });
    return trusted.readClaims(payload, kid);
  } catch (error) {
    throw refusalOf(error);
  }
}

/** Auth as an issuer of access tokens. */
export function ownIssuer(keys: JWTVerifyGetKey, expected: ExpectedToken): TrustedIssuer<VerifiedToken> {
  return {
    ...expected,
    algorithms: ACCESS_TOKEN_ALGORITHMS,
    type: ACCESS_TOKEN_TYPE,
    keys,
    readClaims: (payload, kid) => readOwnClaims(payload, kid),
  };
}

function readOwnClaims(payload: JWTPayload, kid: string): VerifiedToken {
  const { scope, ...claims } = accessClaimsSchema.parse(payload);
  return { ...claims, scope, kid };
}

/** Checks an access token of auth as `verifyToken` does. */
export function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey,
  expected: ExpectedToken,
): Promise<VerifiedToken> {
  return verifyToken(token, ownIssuer(keys, expected));
}

/** These keys, without those that are withdrawn: a key set may be cached for minutes after one was taken out of it. */
export function withoutWithdrawn(keys: JWTVerifyGetKey, withdrawn: { has(kid: string): boolean }): JWTVerifyGetKey {
  return (header, token) => {
    if (header.kid !== undefined && withdrawn.has(header.kid)) throw new errors.JWKSNoMatchingKey();
    return keys(header, token);
  };
}

/** Whether a token was refused for the time alone: at another one it might hold. */
export function isRefusedForTime({ code, cause }: AppError): boolean {
  return code === "token_expired" || (cause instanceof errors.JWTClaimValidationFailed && cause.claim === "nbf");
}

function refusalOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) return new AppError("token_expired", "the access token has expired");
  return new AppError("token_invalid", "the access token is not valid", { cause: error });
}

/** The settings of a service that checks access tokens. */
export const verifierSettings = {
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .default("http://127.0.0.1:8081/.well-known/jwks.json"),
  AUTH_ISSUER: z.string().min(1).default("http://localhost:8081"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice"),
  /** A YAML file of outside issuers whose tokens hold as well. */
  AUTH_ISSUERS_FILE: z.string().optional(),
};

/** Those settings, read. */
export type VerifierConfig = Readonly<z.infer<z.ZodObject<typeof verifierSettings>>>;
