import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { readTokenSource } from "#shared/http/token-source.ts";
import type { Observer } from "../observe/observer.ts";
import type { CallConnection } from "../call-connection.ts";
import { identityOf } from "../access/registration.ts";
import type { StreamClaims } from "../access/verify-stream-token.ts";
import { readJson } from "./read-json.ts";
import { requireTrustedPage, tokenMissing, type TokenReading } from "./request-token.ts";
import { tellProblem } from "./tell-problem.ts";

const MAX_BODY_BYTES = 16 * 1_024;

const bodySchema = z.strictObject({ access_token: z.string().min(1).optional() });

/** What the route needs. */
export interface RebindRoute extends Pick<TokenReading, "verify" | "allowedOrigins"> {
  readonly callConnection: CallConnection;
  readonly observer: Pick<Observer, "fault">;
}

/** The connection id in the path of a rebind; undefined for any other path. */
export function rebindTarget(pathname: string): string | undefined {
  return /^\/v1\/streams\/([A-Za-z0-9_-]{1,64})\/token$/.exec(pathname)?.[1];
}

/**
 * Serves `POST /v1/streams/{connectionId}/token`, wherever the connection is held: the stream goes on by the token in the
 * body, or by the request's own.
 */
export async function serveRebind(
  route: RebindRoute,
  connectionId: string,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  try {
    if (request.method !== "POST") {
      response.setHeader("allow", "POST, OPTIONS");
      throw new AppError("method_not_allowed", "use POST");
    }
    const identity = identityOf(await readNewToken(route, request, query));
    const answer = await route.callConnection({ kind: "rebind", connectionId, identity });
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(answer));
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === "internal") route.observer.fault(error.cause ?? error);
    // The rest of a refused body is not read: a client that kept the connection would see its next request cut off.
    if (!request.complete) response.setHeader("connection", "close");
    tellProblem(response, error);
  }
}

/**
 * The token to go on by. It has to be the caller's, who is known by the request's token, or where it carries none by the
 * one in the body.
 */
async function readNewToken(
  route: RebindRoute,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<StreamClaims> {
  const source = readTokenSource({ headers: request.headersDistinct, query });
  const { access_token: given } = await readJson(request, MAX_BODY_BYTES, bodySchema);
  // A browser adds its cookie to every request: it says something only where nothing else does.
  const own = source?.from === "cookie" && given !== undefined ? undefined : source;
  if (own?.from === "cookie") requireTrustedPage(request, route.allowedOrigins);
  const token = given ?? own?.token;
  if (token === undefined) throw tokenMissing();
  const caller = await route.verify(own?.token ?? token);
  const claims = own === undefined || own.token === token ? caller : await route.verify(token);
  const isSamePerson = caller.tenant_id === claims.tenant_id && caller.sub === claims.sub;
  if (!isSamePerson) throw new AppError("forbidden", "the new token is another person's");
  return claims;
}
