import { AppError } from "#shared/errors/app-error.ts";
import { notAToken, parseToken, type ParsedToken, tokenInvalid } from "./parse-token.ts";
import type { Basis, Verdict } from "./remember-verified.ts";
import type { TrustedIssuers } from "./trusted-issuers.ts";
import type { VerifiedClaims } from "./verified-claims.ts";
import { type TrustedIssuer, verifyToken, type VerifyOptions, withFacts } from "./verify-token.ts";

/** Each opaque token is asked about at no more issuers than these: every one of them costs a question. */
const MAX_ISSUERS_ASKED = 8;

/** Auth as an issuer, and what verdicts about its tokens rest on. */
export interface TrustedOwn {
  readonly trusted: TrustedIssuer<VerifiedClaims>;
  readonly basis: () => Basis;
}

/**
 * Judges a token: of auth, of the outside issuer that it names, or an opaque one by asking the issuers that can be asked.
 * The token's `iss` only chooses by whose keys it is checked.
 * @throws {AppError} as `verifyToken`; `token_invalid` for an issuer that is not trusted.
 */
export async function judgeToken(
  token: string,
  own: TrustedOwn | undefined,
  outside: TrustedIssuers,
  options: VerifyOptions = {},
): Promise<Verdict<VerifiedClaims>> {
  const parsed = parseToken(token);
  if (parsed === undefined) return judgeOpaque(token, outside, options);
  options.report?.("shape", () => `a signed JSON Web Token of ${token.length} characters`);
  const { iss } = parsed.payload;
  const theirs = outside.find(iss);
  if (theirs === undefined && (own === undefined || iss !== own.trusted.issuer)) {
    throw untrusted(parsed, [...(own === undefined ? [] : [own.trusted.issuer]), ...outside.names]);
  }
  options.report?.("issuer", () => `${String(iss)}${theirs === undefined ? ", auth itself" : ", by its entry"}`);
  if (theirs !== undefined) return theirs.verify(parsed, options);
  if (own === undefined) throw notAToken();
  const basis = own.basis();
  return { claims: await verifyToken(parsed, own.trusted, options), basis };
}

/**
 * Asks the issuers in the file's order, one after the other, until one knows the token. Where one cannot be asked and no
 * other knows the token, it may still be good.
 */
async function judgeOpaque(
  token: string,
  outside: TrustedIssuers,
  options: VerifyOptions,
): Promise<Verdict<VerifiedClaims>> {
  const asked = outside.askedAbout(token).slice(0, MAX_ISSUERS_ASKED);
  if (asked.length === 0) throw notAToken();
  options.report?.("shape", () => `an opaque token of ${token.length} characters`);
  let away: unknown;
  for (const each of asked) {
    try {
      const verdict = await each.introspect(token, options);
      if (verdict !== undefined) return verdict;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "unavailable") throw error;
      away ??= error;
    }
  }
  if (away !== undefined) throw withFacts(away, { step: "issuer" });
  throw tokenInvalid("no issuer that can be asked about opaque tokens knows this one as active", { step: "issuer" });
}

function untrusted({ payload: { iss } }: ParsedToken, names: readonly string[]): AppError {
  const facts = { claim: "iss", issuer: iss, step: "issuer" };
  if (iss === undefined) return tokenInvalid("the token names no issuer (iss)", facts);
  const isNear = typeof iss === "string" && names.some((name) => withoutSlash(name) === withoutSlash(iss));
  const hint = isNear ? ": it differs from a trusted one by the slash at its end" : "";
  return tokenInvalid(`the token's issuer (iss) is none that is trusted here${hint}`, facts);
}

function withoutSlash(name: string): string {
  return name.replace(/\/$/, "");
}
