import { hash } from "node:crypto";
import { decodeJwt, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { singleFlight } from "#shared/async/single-flight.ts";
import { freeNameSchema, freeNamesIn } from "#shared/contract/name-schema.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { expirySchema } from "./access-token.ts";
import { type ClaimPlace, type OutsideIssuer, readOutsideIssuers } from "./outside-issuers.ts";
import { rememberVerified } from "./remember-verified.ts";
import { remoteKeys } from "./remote-keys.ts";
import type { VerifiedClaims } from "./verified-claims.ts";
import {
  isRefusedForTime,
  ownIssuer,
  type TrustedIssuer,
  type VerifiedToken,
  type VerifierConfig,
  verifyToken,
  withoutWithdrawn,
} from "./verify-access-token.ts";

const outsideSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  exp: expirySchema,
  iat: expirySchema,
  jti: z.string().max(1_024).optional(),
});

const subjectSchema = z.object({
  sub: freeNameSchema,
  roles: z.array(z.string()),
  groups: z.array(z.string()),
});

/** Auth's time, and how to ask for it before any answer has come. */
export interface AskedTime {
  readonly authTime: {
    readonly isKnown: boolean;
    /** Milliseconds since 1970. */
    now(): number;
  };
  /** Asks auth what time it is. Throws AppError `unavailable` when there is no answer in time. */
  readonly askTime: () => Promise<void>;
}

/** Says whose tokens hold: auth's, and those of the outside issuers that are configured. */
export interface TokenVerifier {
  /**
   * The claims of a token that holds. Whether its session lives is not in it.
   * @throws {AppError} `token_expired`; `token_invalid` for any other fault of the token; `unavailable` while it cannot be judged.
   */
  readonly verify: (token: string) => Promise<VerifiedClaims>;
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
}

/** What a verifier works with beside its settings. */
export interface VerifierDeps {
  /** The keys of auth that are withdrawn. */
  readonly withdrawn: { has(kid: string): boolean };
  readonly time: AskedTime;
  /** Gets each verification: whether the token was remembered, and how long it took. */
  readonly onVerified?: (cached: boolean, seconds: number) => void;
}

/**
 * Opens the one verifier of a service.
 * @throws {BootError} when the issuers' file cannot be used.
 */
export async function openTokenVerifier(config: VerifierConfig, deps: VerifierDeps): Promise<TokenVerifier> {
  const { AUTH_ISSUERS_FILE: path, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  const { withdrawn, time, onVerified } = deps;
  const outside = path === undefined ? [] : await readOutsideIssuers(path, issuer);
  const keys = withoutWithdrawn(remoteKeys(config.AUTH_JWKS_URL), withdrawn);
  const verifyOnce = createTokenVerifier(
    ownIssuer(keys, { issuer, audience }),
    outside,
    (uri) => remoteKeys(uri),
    time,
  );
  const remembered = rememberVerified(verifyOnce, onVerified, () => time.authTime.now());
  return {
    isOutside: namesIssuer(outside),
    async verify(token) {
      const claims = await remembered(token);
      // A token that is remembered does not come by its key again.
      if (withdrawn.has(claims.kid)) throw new AppError("token_invalid", "the key of the access token is withdrawn");
      return claims;
    },
  };
}

/**
 * A verifier of auth's tokens and outside issuers'. The token's `iss` chooses the issuer; its claims count only after that
 * issuer's signature is verified. Times are compared with auth's clock. While that is not known, a token that fails by this
 * machine's time alone is refused with `unavailable`: it may be valid.
 */
export function createTokenVerifier(
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
function namesIssuer(issuers: readonly OutsideIssuer[]): (token: string) => boolean {
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
  const login_at = new Date(iat * 1_000).toISOString();
  return { ...subject, iss, sid, exp, tenant_id: tenant, login_at, kid: "", scope: undefined, isOutside: true };
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
