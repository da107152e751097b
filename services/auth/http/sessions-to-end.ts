import type { Context } from "hono";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import type { EndedSession } from "../sessions/revoke-session.ts";
import { requireTrustedPage, sessionOf, type VerifyToken } from "./authenticate-caller.ts";
import { genuineOf, type RefreshTokenReading } from "./read-refresh-token.ts";

/** What a logout finds sessions by. */
export interface LogoutReading extends RefreshTokenReading {
  readonly verify: VerifyToken;
  readonly allowedOrigins: readonly string[];
}

/**
 * The sessions that a logout ends: the explicit token's, else all that the cookies speak for. A browser that got hold of two
 * persons' is refused everywhere, and logs out here.
 * @throws {AppError} what is wrong with the token, where none is genuine; `cross_site`; `unavailable`.
 */
export async function sessionsToEnd(c: Context, reading: LogoutReading): Promise<readonly EndedSession[]> {
  const headers = c.req.header();
  const explicit = readExplicitToken({ headers, query: new URL(c.req.url).searchParams });
  if (explicit !== undefined) return [await sessionBy(reading, explicit.token)];
  requireTrustedPage(c, reading.allowedOrigins);
  const { access, refresh } = reading.cookies.read(headers);
  const byAccess = await Promise.allSettled(access.map((token) => sessionBy(reading, token)));
  const known = byAccess.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  // A browser whose access token has run out still has its refresh token. A session that is known needs no store.
  const families = genuineOf(refresh, reading.keys).map(({ family }) => family);
  const others = families.filter((family) => !known.some(({ sid }) => sid === family));
  const found = [...known, ...(await Promise.all(others.map((family) => reading.sessions.find(family))))];
  if (found.length === 0) throw faultOf(byAccess, refresh);
  return [...new Map(found.flatMap((each) => (each === undefined ? [] : [[each.sid, each]]))).values()];
}

async function sessionBy({ verify }: LogoutReading, token: string): Promise<EndedSession> {
  const claims = await verify(token);
  requireUse(claims, "request");
  return sessionOf(claims);
}

function faultOf(byAccess: readonly PromiseSettledResult<unknown>[], refresh: readonly string[]): AppError {
  const failed = byAccess.find((each) => each.status === "rejected");
  if (failed !== undefined) return toAppError(failed.reason);
  if (refresh.length > 0) return new AppError("token_invalid", "the refresh token is not valid");
  return new AppError("token_missing", "the request carries no token");
}
