import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import {
  ACCESS_TOKEN_ALGORITHMS,
  ACCESS_TOKEN_TYPE,
  type AccessClaims,
  accessClaimsSchema,
  CLOCK_LEEWAY_SECONDS,
} from "./access-token.ts";
import { kidSchema } from "./key-ring.ts";

/** A longer token is not ours, and nobody should spend a signature check on it. */
const MAX_TOKEN_CHARACTERS = 8_192;

/** Who may have issued a token, and for whom. */
export interface ExpectedToken {
  readonly issuer: string;
  readonly audience: string;
}

/** The claims of a good token, and the key that signed it. */
export interface VerifiedToken extends AccessClaims {
  readonly kid: string;
}

/**
 * Checks an access token's signature and claims with everything pinned (RFC 8725: algorithm, `typ`, issuer, audience).
 * @throws {AppError} `token_expired`; `token_invalid` for any other fault of the token; `unavailable` when the keys cannot be had.
 */
export async function verifyAccessToken(
  token: string,
  keys: JWTVerifyGetKey,
  expected: ExpectedToken,
): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_CHARACTERS) throw new AppError("token_invalid", "the access token is too long");
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ACCESS_TOKEN_ALGORITHMS,
      typ: ACCESS_TOKEN_TYPE,
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: CLOCK_LEEWAY_SECONDS,
      requiredClaims: ["exp", "iat", "sub"],
    });
    return { ...accessClaimsSchema.parse(payload), kid: kidSchema.parse(protectedHeader.kid) };
  } catch (error) {
    throw refusalOf(error);
  }
}

/** The published keys of the issuer, fetched when first needed, again for an unknown `kid` at most every 10 s. */
export function remoteKeys(jwksUrl: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(jwksUrl), {
    cooldownDuration: 10_000,
    cacheMaxAge: 300_000,
    timeoutDuration: 3_000,
  });
}

/** These keys, without those that are withdrawn: a key set may be cached for minutes after one was taken out of it. */
export function withoutWithdrawn(keys: JWTVerifyGetKey, withdrawn: { has(kid: string): boolean }): JWTVerifyGetKey {
  return (header, token) => {
    if (header.kid !== undefined && withdrawn.has(header.kid)) throw new errors.JWKSNoMatchingKey();
    return keys(header, token);
  };
}

function refusalOf(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return new AppError("token_expired", "the access token has expired");
  if (isKeySetFault(error))
    return new AppError("unavailable", "the signing keys cannot be had right now", { cause: error });
  return new AppError("token_invalid", "the access token is not valid", { cause: error });
}

/** jose reports an unreachable or broken JWKS endpoint as a time-out, a plain JOSEError, or fetch's TypeError. */
function isKeySetFault(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return error instanceof TypeError || (error instanceof errors.JOSEError && error.code === "ERR_JOSE_GENERIC");
}

/** The settings of a service that checks access tokens. */
export const verifierSettings = {
  AUTH_JWKS_URL: z.url().default("http://127.0.0.1:8081/.well-known/jwks.json"),
  AUTH_ISSUER: z.string().min(1).default("http://localhost:8081"),
  AUTH_AUDIENCE: z.string().min(1).default("sluice"),
};
