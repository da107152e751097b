import type { Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { callContextOf, readJsonIfAny } from "#shared/http/json-api.ts";
import { BY_TOKEN, TOKEN_ERRORS } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { readExplicitToken } from "#shared/http/token-source.ts";
import { requireUse } from "#shared/tokens/require-use.ts";
import { isSamePerson } from "#shared/tokens/try-tokens.ts";
import type { CallLimits } from "../admission/call-limits.ts";
import type { BindToken } from "../access/ports.ts";
import type { Hub } from "../connections/hub.ts";
import type { CallConnection } from "../call-connection.ts";
import { identityOf } from "../access/registration.ts";
import { admitPerson } from "./admit-person.ts";
import { addressOfCall } from "./caller-address.ts";
import { reboundSchema } from "./edge-answers.ts";
import { type CallerReading, readCookieToken, verifyToken, type VerifiedToken } from "./read-caller.ts";

const bodySchema = z.strictObject({
  access_token: z.string().min(1).optional(),
  /** Asks for a token that is bound to this stream. */
  bound: z.boolean().default(false),
});

const REBIND = describeCall({
  id: "rebindStream",
  tag: "Streams",
  summary: "Has an open stream go on by another token of the same person",
  about: "Without a body the request's own token is the new one.",
  by: BY_TOKEN,
  path: { connectionId: nameSchema },
  body: { ...jsonBody(bodySchema), isOptional: true },
  answers: { 200: jsonAnswer("The new token's session and rights are in force.", reboundSchema) },
  errors: [...TOKEN_ERRORS, "forbidden", "tenant_suspended", "not_found", "too_many_requests"],
  example: { path: { connectionId: "w1-Zk3f9a" }, status: 404 },
});

const NO_BODY = { access_token: undefined, bound: false };

/** The edge, as far as the route uses it. */
export interface RebindRoute extends CallerReading {
  readonly callConnection: CallConnection;
  readonly bindToken: BindToken;
  readonly callLimits: CallLimits;
  readonly edge: { readonly hub: Pick<Hub, "tenant"> };
  /** The route of the home that a token in a body names. */
  readonly routeOf: (token: string) => RebindRoute;
}

/**
 * Adds `POST /v1/streams/{connectionId}/token`, wherever the connection is held: the stream goes on by the token in the body,
 * or by the request's own. On request it answers a token that is bound to the stream.
 */
export function addRebindRoute(api: Hono, route: RebindRoute): void {
  api.post("/v1/streams/:connectionId{[A-Za-z0-9_-]{1,64}}/token", REBIND, async (c) => {
    route.callLimits.admitAddress(addressOfCall(c, route.trusted));
    const connectionId = c.req.param("connectionId");
    const context = callContextOf(c);
    const { token, claims, bound, home } = await readNewToken(route, c, connectionId);
    admitPerson(home, claims.tenant_id, claims.sub);
    if (bound && claims.isOutside === true)
      throw new AppError("forbidden", "a token of an outside issuer cannot be bound to a stream");
    const issued = bound ? await home.bindToken(token, connectionId, context) : undefined;
    const answer = await home.callConnection({ kind: "rebind", connectionId, identity: identityOf(claims) }, context);
    return c.json({
      ...answer,
      ...(issued && { access_token: issued.accessToken, expires_in: issued.expiresInSeconds }),
    });
  });
}

/** The token that a stream shall go on by, and whether one that is bound to it is asked for. */
interface NewToken extends VerifiedToken {
  readonly bound: boolean;
  /** The route of the token's home. */
  readonly home: RebindRoute;
}

/** The token to go on by. It must be the caller's, whom the request's own token names, or else the one in the body. */
async function readNewToken(route: RebindRoute, c: Context, connectionId: string): Promise<NewToken> {
  const explicit = readExplicitToken({ headers: c.req.header(), query: new URL(c.req.url).searchParams });
  const { access_token: given, bound } = (await readJsonIfAny(c, bodySchema)) ?? NO_BODY;
  // A browser adds its cookie to every request: the cookie counts only without a token in the body.
  const own = explicit?.token ?? given;
  const home = explicit === undefined && given !== undefined ? route.routeOf(given) : route;
  const caller = own === undefined ? await readCookieToken(route, c) : await verifyToken(home, c, own);
  c.set("caller", { tenant: caller.claims.tenant_id, subject: caller.claims.sub });
  const next = given === undefined || given === caller.token ? caller : await verifyToken(home, c, given);
  if (!isSamePerson(caller.claims, next.claims)) throw new AppError("forbidden", "the new token is another person's");
  for (const each of [caller, next]) requireUse(each.claims, { connectionId });
  return { ...next, bound, home };
}
