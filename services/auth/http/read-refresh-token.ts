import type { Context } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";
import { readJsonIfAny } from "#shared/http/json-api.ts";
import { refuseTokenInUrl } from "#shared/http/token-source.ts";
import type { CookieNames, TokenCookies } from "#shared/http/token-cookies.ts";
import { twoPersons } from "#shared/tokens/try-tokens.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { SessionStore } from "../sessions/session.ts";
import { parseRefreshToken, type RefreshToken } from "../tokens/refresh-token.ts";

/** What refresh tokens are found and read by. */
export interface RefreshTokenReading {
  readonly cookies: TokenCookies;
  readonly keys: Pick<Keys, "refresh">;
  readonly sessions: Pick<SessionStore, "find">;
}

/** A refresh token with its text, and the names of the cookies where it came by one. */
export interface PresentedRefreshToken extends RefreshToken {
  readonly text: string;
  readonly cookieNames?: CookieNames;
  /** What the request asks the new tokens to be limited to, as it was sent. */
  readonly scope?: string | undefined;
}

/** The body of a request that brings a refresh token, where no cookie does. */
export const refreshBodySchema = z.object({
  refresh_token: z.string().max(256).optional(),
  scope: z.string().optional().describe("Limits what the new tokens may do, within the limits of the session."),
});

/** What may be wrong with a request that brings a refresh token. */
export const REFRESH_TOKEN_ERRORS = [
  "token_in_url",
  "token_missing",
  "token_invalid",
  "token_reused",
  "session_ended",
  "conflicting_tokens",
  "cross_site",
  "unavailable",
] as const satisfies readonly ErrorCode[];

/**
 * The refresh token of a request: the one in its body, else the genuine one among its cookies; of several sessions the
 * youngest that lives.
 * @throws {AppError} `token_in_url`, `token_missing`, `token_invalid`; `conflicting_tokens` where the cookies are two persons'; `unavailable`.
 */
export async function readRefreshToken(c: Context, reading: RefreshTokenReading): Promise<PresentedRefreshToken> {
  refuseTokenInUrl(new URL(c.req.url).searchParams, "send it in the body, or in the cookie");
  const { refresh_token: text, scope }: z.infer<typeof refreshBodySchema> =
    (await readJsonIfAny(c, refreshBodySchema)) ?? {};
  const { keys, cookies, sessions } = reading;
  if (text !== undefined) return { ...parseRefreshToken(text, keys.refresh), text, scope };
  const { refresh, names } = cookies.read(c.req.header());
  if (refresh.length === 0) throw new AppError("token_missing", "the request carries no refresh token");
  const found = youngestOfEach(genuineOf(refresh, keys));
  const [first] = found;
  if (first === undefined) throw new AppError("token_invalid", "the refresh token is not valid");
  return { ...(found.length === 1 ? first : await youngestSession(found, sessions)), cookieNames: names, scope };
}

/** Those of the texts that we have signed: others are another host's affair. */
export function genuineOf(texts: readonly string[], keys: Pick<Keys, "refresh">): readonly PresentedRefreshToken[] {
  return texts.flatMap((text) => {
    try {
      return [{ ...parseRefreshToken(text, keys.refresh), text }];
    } catch {
      return [];
    }
  });
}

/** Of each family the latest generation: to show an older one beside it would be taken for theft. */
function youngestOfEach(tokens: readonly PresentedRefreshToken[]): readonly PresentedRefreshToken[] {
  const youngest = new Map<string, PresentedRefreshToken>();
  for (const token of tokens) {
    if (token.generation > (youngest.get(token.family)?.generation ?? 0)) youngest.set(token.family, token);
  }
  return [...youngest.values()];
}

async function youngestSession(
  tokens: readonly PresentedRefreshToken[],
  sessions: RefreshTokenReading["sessions"],
): Promise<PresentedRefreshToken> {
  const stored = await Promise.all(tokens.map(({ family }) => sessions.find(family)));
  const live = tokens.flatMap((token, place) => (stored[place]?.isLive === true ? [{ token, ...stored[place] }] : []));
  const [youngest] = live.toSorted((one, other) => other.loginAt.localeCompare(one.loginAt));
  if (youngest === undefined) throw new AppError("session_ended", "the session has ended; log in again");
  const isOne = live.every(({ tenant, subject }) => tenant === youngest.tenant && subject === youngest.subject);
  if (!isOne) throw twoPersons();
  return youngest.token;
}
