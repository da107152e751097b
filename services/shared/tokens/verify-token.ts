import { compactVerify, errors, type CryptoKey, type JWTVerifyGetKey } from "jose";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { CLOCK_LEEWAY_SECONDS } from "./access-token.ts";
import { NO_TYPE } from "./outside-issuers.ts";
import { factsOf, type ParsedToken, tokenInvalid } from "./parse-token.ts";

/** The steps of a verification, in their order. */
export type TokenStep =
  | "shape"
  | "issuer"
  | "header"
  | "key"
  | "signature"
  | "audience"
  | "times"
  | "tenant"
  | "subject"
  | "roles"
  | "groups"
  | "attributes";

/** Gets each step that has held, with what was found. What was found is told to its operator alone. */
export type Report = (step: TokenStep, found: () => string) => void;

/** All that is pinned when a token of one issuer is checked, whatever the token says of itself (RFC 8725). */
export interface TrustedIssuer<Claims> {
  readonly issuer: string;
  /** One of them must be named. */
  readonly audiences: readonly string[];
  /** The claim that names the audience. */
  readonly audienceClaim: "aud" | "client_id" | "azp";
  readonly algorithms: readonly string[];
  /** The `typ` headers; `absent` for none. */
  readonly types: readonly string[];
  /** Whether a token must name its key, and may bring none along. */
  readonly isOwn: boolean;
  readonly keys: JWTVerifyGetKey;
  /** Has the keys fetched again because a signature failed; answers whether they are others now. */
  readonly refreshKeys?: () => Promise<boolean>;
  /** Reads the claims of a genuine token; throws where they are not as expected. */
  readonly readClaims: (claims: ParsedToken["payload"], kid: string, report?: Report) => Claims;
}

/** At which time a token is checked, and who is told the steps. */
export interface VerifyOptions {
  /** Milliseconds since 1970; this machine's time where it is left out. */
  readonly now?: number;
  readonly report?: Report | undefined;
  /** The address that the token came from; undefined where that is this host's own. */
  readonly asker?: string | undefined;
}

const MAX_KID_CHARACTERS = 256;

/** A set with many keys under one name, or without names, is tried key by key: no token may cost more checks. */
const MAX_KEYS_TRIED = 8;

/**
 * Checks a token of that issuer: header, signature, audience, times, claims.
 * @throws {AppError} `token_expired`; `token_invalid` for any other fault of the token; `unavailable` when the keys cannot be
 * had. The message says what is wrong, the facts name the issuer, the key, the step and the claim at fault.
 */
export async function verifyToken<Claims>(
  parsed: ParsedToken,
  trusted: TrustedIssuer<Claims>,
  options: VerifyOptions = {},
): Promise<Claims> {
  const steps = followSteps("header", options.report);
  try {
    const kid = checkHeader(parsed, trusted, steps.report);
    await checkSignature(parsed, trusted, steps.report);
    return checkClaims(parsed.payload, trusted, kid, options.now ?? Date.now(), steps.report);
  } catch (error) {
    throw withFacts(error, { issuer: trusted.issuer, kid: parsed.header["kid"], step: steps.current() });
  }
}

/**
 * Checks what an issuer answers about a token as a token's claims are checked: its signature is not needed.
 * @throws {AppError} as `verifyToken`.
 */
export function verifyAnswer<Claims>(
  answer: ParsedToken["payload"],
  trusted: TrustedIssuer<Claims>,
  options: VerifyOptions = {},
): Claims {
  const steps = followSteps("issuer", options.report);
  try {
    const { iss = trusted.issuer } = answer;
    if (iss !== trusted.issuer)
      throw tokenInvalid("the answer about the token names another issuer", { claim: "iss", iss });
    steps.report("issuer", () => `${trusted.issuer}, which says that the token is active`);
    steps.report("signature", () => "none is needed");
    return checkClaims(answer, trusted, "", options.now ?? Date.now(), steps.report);
  } catch (error) {
    throw withFacts(error, { issuer: trusted.issuer, step: steps.current() });
  }
}

/** Issuers call refresh tokens active as well (RFC 7662, section 2.1), or sign them with the same key: a claim says which they are. */
function requireAccessToken(claims: ParsedToken["payload"]): void {
  const kinds = Object.entries(claims).filter(([name]) => ["token_use", "typ", "token_type", "type"].includes(name));
  const [claim] = kinds.find(([, kind]) => typeof kind === "string" && /^(refresh|offline)/i.test(kind)) ?? [];
  if (claim !== undefined) throw tokenInvalid("the token is no access token, but a refresh token", { claim });
}

/** Passes reports on, and knows which step comes behind the last one. */
function followSteps(first: TokenStep, report: Report | undefined) {
  let step = first;
  const follow: Report = (done, found) => {
    step = STEPS[STEPS.indexOf(done) + 1] ?? "subject";
    report?.(done, found);
  };
  return { report: follow, current: () => step };
}

/** Checks the audience, the times and the rest of what a genuine token says. */
function checkClaims<Claims>(
  claims: ParsedToken["payload"],
  trusted: TrustedIssuer<Claims>,
  kid: string,
  now: number,
  report: Report,
): Claims {
  requireAccessToken(claims);
  checkAudience(claims, trusted, report);
  checkTimes(claims, now, report);
  return trusted.readClaims(claims, kid, report);
}

/** The same failure, with facts for the log beside those it has. */
export function withFacts(error: unknown, facts: Record<string, unknown>): AppError {
  const { code, message, cause, facts: known } = toAppError(error);
  return new AppError(code, message, { cause, facts: { ...factsOf(facts), ...known } });
}

/** Whether a token was refused for the time alone: at another one it might hold. */
export function isRefusedForTime({ code, facts }: AppError): boolean {
  return code === "token_expired" || (facts["claim"] === "nbf" && "seconds" in facts);
}

const STEPS: readonly TokenStep[] = [
  "shape",
  "issuer",
  "header",
  "key",
  "signature",
  "audience",
  "times",
  "tenant",
  "subject",
];

/** Checks what a header says before a key is looked for. Answers the key's name, or none. */
function checkHeader({ header }: ParsedToken, trusted: TrustedIssuer<unknown>, report: Report): string {
  const { alg, typ, kid } = header;
  // An extension that must be understood is not (RFC 7515, section 4.1.11).
  if ("crit" in header) throw tokenInvalid("the token's header demands an extension (crit) that is not understood");
  if (typeof alg !== "string" || !trusted.algorithms.includes(alg)) {
    throw tokenInvalid("the token's algorithm (alg) is none that is accepted of its issuer", { claim: "alg", alg });
  }
  if (!isTypeIn(trusted.types, typ)) {
    throw tokenInvalid("the token's type (typ) is none that is accepted of its issuer", {
      claim: "typ",
      typ: typ ?? NO_TYPE,
    });
  }
  const isNamed = typeof kid === "string" && kid !== "" && kid.length <= MAX_KID_CHARACTERS;
  if (!isNamed && (trusted.isOwn || kid !== undefined)) {
    throw tokenInvalid("the token's header does not name its key (kid) as it should", { claim: "kid" });
  }
  // A key that a token brings or points to is no key (RFC 8725, section 3.10). Some providers always point to theirs.
  if (trusted.isOwn && ["jku", "jwk", "x5c", "x5u"].some((name) => name in header)) {
    throw tokenInvalid("the token brings a key, or points to one: none of ours does");
  }
  report("header", () => `alg ${alg}, typ ${typeof typ === "string" ? typ : NO_TYPE}, kid ${isNamed ? kid : NO_TYPE}`);
  return isNamed ? kid : "";
}

/** Media types are compared without case, and `application/` may be left out (RFC 7515, section 4.1.9). */
function isTypeIn(types: readonly string[], typ: unknown): boolean {
  if (typ === undefined) return types.includes(NO_TYPE);
  return typeof typ === "string" && types.some((type) => type !== NO_TYPE && shortType(type) === shortType(typ));
}

function shortType(type: string): string {
  return type.toLowerCase().replace(/^application\//, "");
}

/** A key may change under its name: after a signature that fails, the keys are fetched again, within bounds. */
async function checkSignature(parsed: ParsedToken, trusted: TrustedIssuer<unknown>, report: Report): Promise<void> {
  let hasKey = false;
  const onKey = (): void => {
    if (!hasKey) report("key", () => "a published key fits");
    hasKey = true;
  };
  try {
    await checkOnce(parsed, trusted, onKey);
  } catch (error) {
    const isWrong = error instanceof errors.JWSSignatureVerificationFailed;
    if (!isWrong || !((await trusted.refreshKeys?.()) ?? false)) throw refusalOf(error);
    await checkOnce(parsed, trusted, onKey).catch((again: unknown) => {
      throw refusalOf(again);
    });
  }
  report("signature", () => "good");
}

async function checkOnce({ token }: ParsedToken, trusted: TrustedIssuer<unknown>, onKey: () => void): Promise<void> {
  const options = { algorithms: [...trusted.algorithms] };
  const keys: JWTVerifyGetKey = async (header, jws) => {
    const key = await trusted.keys(header, jws);
    onKey();
    return key;
  };
  try {
    await compactVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    onKey();
    let tried = 0;
    for await (const key of error as AsyncIterable<CryptoKey>) {
      if ((tried += 1) > MAX_KEYS_TRIED) break;
      if (await isSignedBy(token, key, options)) return;
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

async function isSignedBy(token: string, key: CryptoKey, options: { algorithms: string[] }): Promise<boolean> {
  try {
    await compactVerify(token, key, options);
    return true;
  } catch {
    return false;
  }
}

function refusalOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWKSNoMatchingKey) {
    return tokenInvalid(
      "the token's issuer publishes no key that fits the token's kid and algorithm",
      { claim: "kid" },
      error,
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return tokenInvalid("the token's signature is not by the key that its issuer publishes", {}, error);
  }
  return tokenInvalid("the token's signature cannot be checked", {}, error);
}

function checkTimes(claims: ParsedToken["payload"], now: number, report: Report): void {
  const seconds = Math.floor(now / 1_000);
  const { exp, nbf, iat } = claims;
  if (typeof exp !== "number")
    throw tokenInvalid("the token does not say when it ends (exp, a number)", { claim: "exp" });
  if (exp <= seconds - CLOCK_LEEWAY_SECONDS) {
    const facts = factsOf({ claim: "exp", seconds: Math.floor(seconds - exp) });
    throw new AppError("token_expired", "the access token has expired", { facts });
  }
  if (nbf !== undefined && typeof nbf !== "number") {
    throw tokenInvalid("the token says by something else than a number when it begins (nbf)", { claim: "nbf" });
  }
  if (typeof nbf === "number" && nbf > seconds + CLOCK_LEEWAY_SECONDS) {
    const facts = { claim: "nbf", seconds: Math.ceil(nbf - seconds) };
    throw tokenInvalid("the token is not valid yet: the clocks of its issuer and of this service differ", facts);
  }
  report("times", () => {
    const issued =
      typeof iat === "number" ? `issued ${lengthOf(seconds - iat)} ago` : "it does not say when it was issued";
    return `ends in ${lengthOf(exp - seconds)}, ${issued}`;
  });
}

function lengthOf(seconds: number): string {
  return Math.abs(seconds) < 120 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min`;
}

function checkAudience(
  claims: ParsedToken["payload"],
  { audiences, audienceClaim: claim, isOwn }: TrustedIssuer<unknown>,
  report: Report,
): void {
  const named = [claims[claim]].flat();
  const found = audiences.find((audience) => named.includes(audience));
  if (found === undefined) {
    const place = isOwn ? "the one that is set here (AUTH_AUDIENCE)" : "one that its issuer's entry lists";
    throw tokenInvalid(
      claims[claim] === undefined
        ? `the token names no audience (${claim}), and must name ${place}`
        : `the token's audience (${claim}) is not ${place}`,
      { claim, said: claims[claim] },
    );
  }
  report("audience", () => `${found}, by ${claim}`);
}
