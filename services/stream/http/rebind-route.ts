import type { Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { isSamePerson, verifyOneOf } from "#shared/tokens/try-tokens.ts";
import type { CallConnection } from "../call-connection.ts";
import { identityOf } from "../access/registration.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { requireTrustedPage, tokenMissing, type TokenReading } from "./request-token.ts";

const bodySchema = z.strictObject({ access_token: z.string().min(1).optional() });

/** The edge, as far as the route uses it. */
export interface RebindRoute extends Pick<TokenReading, "verify" | "cookies" | "allowedOrigins"> {
  readonly callConnection: CallConnection;
}

/**
 * Adds `POST /v1/streams/{connectionId}/token`, wherever the connection is held: the stream goes on by the token in the body,
 * or by the request's own.
 */
export function addRebindRoute(api: Hono, route: RebindRoute): void {
  api.post("/v1/streams/:connectionId{[A-Za-z0-9_-]{1,64}}/token", async (c) => {
    const identity = identityOf(await readNewToken(route, c));
    return c.json(await route.callConnection({ kind: "rebind", connectionId: c.req.param("connectionId"), identity }));
  });
}

/** The token to go on by. It must be the caller's, whom the request's own token names, or else the one in the body. */
async function readNewToken(route: RebindRoute, c: Context): Promise<VerifiedClaims> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  const { access_token: given } = (await c.req.text()) === "" ? {} : await readJson(c, bodySchema);
  // A browser adds its cookie to every request: the cookie counts only without a token in the body.
  if (given === undefined) return explicit === undefined ? readCookieToken(route, c) : route.verify(explicit.token);
  const caller = await route.verify(explicit?.token ?? given);
  if (explicit === undefined || explicit.token === given) return caller;
  const claims = await route.verify(given);
  if (!isSamePerson(caller, claims)) throw new AppError("forbidden", "the new token is another person's");
  return claims;
}

function readCookieToken(route: RebindRoute, c: Context): Promise<VerifiedClaims> {
  const headers = c.req.header();
  const { access } = route.cookies.read(headers);
  if (access.length === 0) throw tokenMissing();
  requireTrustedPage(headers, route.allowedOrigins);
  return verifyOneOf(access, route.verify);
}
