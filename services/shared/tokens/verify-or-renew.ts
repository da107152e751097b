import { type AppError, toAppError } from "../errors/app-error.ts";
import { type Bearer, isSamePerson, longestOf, type TriedTokens, tryTokens, twoPersons } from "./try-tokens.ts";

/** A new access token of a session, and how long that can last. */
export interface RenewedAccess {
  readonly accessToken: string;
  readonly sessionRemainingSeconds: number;
}

/**
 * Asks auth for an access token for a refresh token that is good right now, without spending it; undefined for any other.
 * Safe to repeat.
 * @throws {AppError} `unavailable` when there is no answer in time; `token_reused` where the refresh token was spent before, which
 * ends its session.
 */
export type RenewAccess = (refreshToken: string) => Promise<RenewedAccess | undefined>;

/** What tokens are verified and renewed by. */
export interface VerifyOrRenewDeps<Claims extends Bearer> {
  readonly verify: (token: string) => Promise<Claims>;
  readonly renew: RenewAccess;
  /** Whether a token calls itself an outside issuer's. */
  readonly isOutside: (token: string) => boolean;
  readonly urgencyOf: (claims: Claims) => RenewalUrgency;
}

/**
 * How much a token that still holds needs a new one: not; where it can be had; or as one that has expired, so that auth has to
 * answer.
 */
export type RenewalUrgency = "none" | "wanted" | "needed";

/** The tokens of one request, all from cookies or all explicit. */
export interface RequestTokens {
  readonly access: readonly string[];
  readonly refresh: readonly string[];
  /** The client chose them: an access token that is not genuine is refused, whatever stands beside it. */
  readonly isExplicit?: boolean;
}

/** Who asks, and the new access token where one was made. */
export interface VerifiedRequest<Claims> {
  readonly claims: Claims;
  readonly renewed?: RenewedAccess;
}

/**
 * The claims of the access token that verifies, or of a new one: where it is absent or about to end, and a refresh token
 * beside it is good. An outside issuer's token is left to expire: the refresh token beside it may be another person's.
 * @throws {AppError} `conflicting_tokens` for two persons; why no token verifies; `unavailable` when auth cannot say.
 */
export async function verifyOrRenew<Claims extends Bearer>(
  deps: VerifyOrRenewDeps<Claims>,
  tokens: RequestTokens,
): Promise<VerifiedRequest<Claims>> {
  const tried = await tryTokens(tokens.access, deps.verify);
  if ("refusal" in tried) {
    const renewal = isRenewable(tried, tokens, deps.isOutside) ? await renewByOneOf(deps, tokens.refresh) : undefined;
    return renewal ?? refuse(tried.refusal);
  }
  const { claims } = tried;
  const urgency = deps.urgencyOf(claims);
  if (urgency === "none" || claims.isOutside === true) return { claims };
  const renewing = renewByOneOf(deps, tokens.refresh);
  const renewal = await (urgency === "needed" ? renewing : renewing.catch(ignoreUnavailable));
  if (renewal !== undefined && !isSamePerson(claims, renewal.claims)) throw twoPersons();
  return renewal ?? { claims };
}

/** Cookies that are no tokens of ours may be a neighbouring host's, and say nothing about the refresh token. */
function isRenewable(
  { refusal, expired }: Extract<TriedTokens<unknown>, { refusal: AppError }>,
  { access, isExplicit = false }: RequestTokens,
  isOutside: (token: string) => boolean,
): boolean {
  if (isExplicit && access.length > 0 && refusal.code !== "token_expired") return false;
  return expired.length === 0 || !expired.every(isOutside);
}

async function renewByOneOf<Claims extends Bearer>(
  deps: VerifyOrRenewDeps<Claims>,
  refresh: readonly string[],
): Promise<VerifiedRequest<Claims> | undefined> {
  const renewals = await Promise.allSettled(latestOfEach(refresh).map((token) => renewBy(deps, token)));
  const good = renewals.flatMap((each) =>
    each.status === "fulfilled" && each.value !== undefined ? [each.value] : [],
  );
  const claims = longestOf(good.map((each) => each.claims));
  const failed = renewals.find((each) => each.status === "rejected");
  if (claims === undefined && failed !== undefined) throw failed.reason;
  return good.find((each) => each.claims === claims);
}

async function renewBy<Claims extends Bearer>(
  { verify, renew }: VerifyOrRenewDeps<Claims>,
  refreshToken: string,
): Promise<VerifiedRequest<Claims> | undefined> {
  const renewed = await renew(refreshToken);
  return renewed && { claims: await verify(renewed.accessToken), renewed };
}

/** The form of refresh tokens, and more than their length. Many are sent in one call, which must not fail by one of them. */
const REFRESH_TOKEN = /^[\w.-]{1,256}$/;

/**
 * The latest generation of each family: where a browser kept an older one too, that is spent, and showing it would be taken
 * for theft. Nobody else knows a family's name, so nobody can plant a later one.
 */
function latestOfEach(refreshTokens: readonly string[]): readonly string[] {
  const latest = new Map<string, string>();
  for (const token of refreshTokens.filter((each) => REFRESH_TOKEN.test(each))) {
    const family = token.split(".")[0] ?? "";
    const known = latest.get(family);
    if (known === undefined || generationOf(token) > generationOf(known)) latest.set(family, token);
  }
  return [...latest.values()];
}

function generationOf(refreshToken: string): number {
  return Number(refreshToken.split(".")[1]) || 0;
}

function refuse(refusal: AppError): never {
  throw refusal;
}

function ignoreUnavailable(error: unknown): undefined {
  if (toAppError(error).code !== "unavailable") throw error;
}
