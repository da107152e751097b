import { AppError, toAppError } from "../errors/app-error.ts";
import type { ErrorCode } from "../protocol/problem-codes.ts";

/** Who a token speaks for, and until when: `exp` in seconds since 1970. */
export interface Bearer {
  readonly tenant_id: string;
  readonly sub: string;
  readonly exp: number;
  /** The token is an outside issuer's. */
  readonly isOutside?: boolean;
  /** The token is good for streams alone. */
  readonly purpose?: "stream" | undefined;
}

/** What came of trying tokens: the one that verifies, or else why none does and which are genuine but over. */
export type TriedTokens<Claims> =
  | { readonly token: string; readonly claims: Claims }
  | { readonly refusal: AppError; readonly expired: readonly string[] };

/** Why none verifies, said by the one that says most: it may be good later, it was good once. */
const BY_WEIGHT: readonly ErrorCode[] = ["internal", "unavailable", "token_expired"];

/**
 * Tries the tokens that a browser sent under one name, of which a neighbouring host may have planted some: the one that
 * verifies counts, the longest of several.
 * @throws {AppError} `conflicting_tokens` where two verify for different persons.
 */
export async function tryTokens<Claims extends Bearer>(
  tokens: readonly string[],
  verify: (token: string) => Promise<Claims>,
): Promise<TriedTokens<Claims>> {
  const good: { readonly token: string; readonly claims: Claims }[] = [];
  const bad: { readonly token: string; readonly error: AppError }[] = [];
  const outcomes = await Promise.allSettled(tokens.map((token) => verify(token)));
  for (const [place, outcome] of outcomes.entries()) {
    const token = tokens[place] ?? "";
    if (outcome.status === "fulfilled") good.push({ token, claims: outcome.value });
    else bad.push({ token, error: toAppError(outcome.reason) });
  }
  const longest = longestOf(good.map(({ claims }) => claims));
  const found = good.find(({ claims }) => claims === longest);
  if (found !== undefined) return found;
  const errors = bad.map(({ error }) => error);
  const weightiest = BY_WEIGHT.map((code) => errors.find((error) => error.code === code)).find(Boolean) ?? errors[0];
  const expired = bad.filter(({ error }) => error.code === "token_expired").map(({ token }) => token);
  return { refusal: weightiest ?? new AppError("token_missing", "the request carries no access token"), expired };
}

/**
 * The claims of the token that verifies, as `tryTokens` finds it.
 * @throws {AppError} `conflicting_tokens`, or why none verifies.
 */
export async function verifyOneOf<Claims extends Bearer>(
  tokens: readonly string[],
  verify: (token: string) => Promise<Claims>,
): Promise<Claims> {
  const tried = await tryTokens(tokens, verify);
  if ("refusal" in tried) throw tried.refusal;
  return tried.claims;
}

/**
 * The longest of several claims of one person; undefined where there are none.
 * @throws {AppError} `conflicting_tokens` where they are different persons'.
 */
export function longestOf<Claims extends Bearer>(claims: readonly Claims[]): Claims | undefined {
  const longest = claims.toSorted((one, other) => other.exp - one.exp)[0];
  if (longest !== undefined && !claims.every((each) => isSamePerson(each, longest))) throw twoPersons();
  return longest;
}

/** Whether two tokens speak for one person. */
export function isSamePerson(one: Bearer, other: Bearer): boolean {
  return one.tenant_id === other.tenant_id && one.sub === other.sub;
}

/** The refusal of a browser that holds the tokens of two persons. */
export function twoPersons(): AppError {
  return new AppError("conflicting_tokens", "the cookies hold the tokens of two persons; log out, and in again");
}
