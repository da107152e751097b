import { hash } from "node:crypto";
import { decodeJwt, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { expirySchema } from "#shared/tokens/access-token.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { freeNameSchema, freeNamesIn } from "#shared/contract/name-schema.ts";
import { singleFlight } from "#shared/async/single-flight.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import {
  isRefusedForTime,
  type TrustedIssuer,
  type VerifiedToken,
  verifyToken,
} from "#shared/tokens/verify-access-token.ts";
import type { AuthTime } from "./auth-time.ts";
import type { ClaimPlace, OutsideIssuer } from "./outside-issuers.ts";

const outsideSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  exp: expirySchema,
  iat: z.int().positive(),
  jti: z.string().max(1_024).optional(),
});

const subjectSchema = z.object({
  sub: freeNameSchema,
  roles: z.array(z.string()),
  groups: z.array(z.string()),
});

/** Auth's time, and how to ask for it before any answer has come. */
export interface AskedTime {
  readonly authTime: Pick<AuthTime, "now" | "isKnown">;
  /** Asks auth what time it is. Throws AppError `unavailable` when there is no answer in time. */
  readonly askTime: () => Promise<void>;
}

/**
 * A verifier of auth's tokens and outside issuers'. The token's `iss` chooses the issuer; its claims count only after that
 * issuer's signature is verified. Times are compared with auth's clock. While that is not known, a token that fails by this
 * machine's time alone is refused with `unavailable`: it may be valid.
 */
export function createStreamVerifier(
  own: TrustedIssuer<VerifiedToken>,
  outside: readonly OutsideIssuer[],
  keysOf: (jwksUri: string) => JWTVerifyGetKey,
  { authTime, askTime }: AskedTime,
): (token: string) => Promise<VerifiedClaims> {
  const trusted = new Map<unknown, TrustedIssuer<VerifiedClaims>>(
    outside.map((issuer) => [issuer.issuer, trustedFrom(issuer, keysOf(issuer.jwks_uri))]),
  );
  const asked = singleFlight<void>();
  const issuerFor = (token: string): TrustedIssuer<VerifiedClaims> =>
    (trusted.size === 0 ? undefined : trusted.get(issuerOf(token))) ?? own;
  return async (token) => {
    if (!authTime.isKnown) await asked("time", askTime).catch(() => undefined);
    try {
      return await verifyToken(token, issuerFor(token), authTime.now());
    } catch (error) {
      if (authTime.isKnown || !isRefusedForTime(toAppError(error))) throw error;
      throw new AppError("unavailable", "the time by which the token is judged is not known yet", { cause: error });
    }
  };
}

/** Answers whether a token names one of these issuers; its signature is not checked. */
export function namesIssuer(issuers: readonly OutsideIssuer[]): (token: string) => boolean {
  const names = new Set<unknown>(issuers.map(({ issuer }) => issuer));
  return (token) => names.size > 0 && names.has(issuerOf(token));
}

/** The issuer a token names; undefined where it cannot be read: verification refuses it. */
function issuerOf(token: string): unknown {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function trustedFrom(issuer: OutsideIssuer, keys: JWTVerifyGetKey): TrustedIssuer<VerifiedClaims> {
  const { algorithms, audience, type } = issuer;
  return {
    issuer: issuer.issuer,
    audience,
    algorithms,
    type,
    keys,
    readClaims: (payload) => readOutsideClaims(payload, issuer),
  };
}

function readOutsideClaims(payload: JWTPayload, { tenant, claims }: OutsideIssuer): VerifiedClaims {
  const { iss, sub, exp, iat, jti } = outsideSchema.parse(payload);
  const subject = subjectSchema.parse({
    sub: valueAt(payload, claims.subject),
    roles: namesAt(payload, claims.roles),
    groups: namesAt(payload, claims.groups),
  });
  // No session of auth's has this id by accident, and two logins of one person have different ones.
  const sid = hash("sha256", JSON.stringify([iss, sub, jti ?? iat]), "base64url");
  return { ...subject, iss, sid, exp, tenant_id: tenant, kid: "", isOutside: true };
}

function valueAt(payload: JWTPayload, place: ClaimPlace): unknown {
  return [place].flat().reduce<unknown>((value, name) => {
    return typeof value === "object" && value !== null && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  }, payload);
}

/** One name or a list. */
function namesAt(payload: JWTPayload, place: ClaimPlace | undefined): string[] {
  const value = place === undefined ? [] : (valueAt(payload, place) ?? []);
  return freeNamesIn([value].flat());
}
