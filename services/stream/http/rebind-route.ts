import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { readTokenSource } from "#shared/http/token-source.ts";
import type { Stream } from "../audience/hub.ts";
import { identityOf } from "../audience/listing.ts";
import { rebindStream } from "../audience/rebind-stream.ts";
import type { StreamClaims } from "../authorization/verify-stream-token.ts";
import type { Edge } from "../open-stream.ts";
import { readJson } from "./read-json.ts";
import { requireTrustedPage, tokenMissing } from "./request-token.ts";
import type { StreamRoute } from "./stream-route.ts";

const MAX_BODY_BYTES = 16 * 1_024;

const bodySchema = z.strictObject({ access_token: z.string().min(1).optional() });

/** The connection id in the path of a rebind; undefined for any other path. */
export function rebindTarget(pathname: string): string | undefined {
  return /^\/v1\/streams\/([A-Za-z0-9_-]{1,64})\/token$/.exec(pathname)?.[1];
}

/**
 * Serves `POST /v1/streams/{connectionId}/token`: the stream goes on by the token in the body, or by the request's own. The
 * connection has to be the caller's, who is known by the request's token, or where it carries none by the one in the body.
 */
export async function serveRebind(
  route: StreamRoute,
  connectionId: string,
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
): Promise<void> {
  const source = readTokenSource({ headers: request.headersDistinct, query });
  const { access_token: given } = await readJson(request, MAX_BODY_BYTES, bodySchema);
  // A browser adds its cookie to every request: it says something only where nothing else does.
  const own = source?.from === "cookie" && given !== undefined ? undefined : source;
  if (own?.from === "cookie") requireTrustedPage(request, route.allowedOrigins);
  const token = given ?? own?.token;
  if (token === undefined) throw tokenMissing();
  const caller = await route.verify(own?.token ?? token);
  const stream = findOwn(route.edge, connectionId, caller);
  const claims = own === undefined || own.token === token ? caller : await route.verify(token);
  if (!isSamePerson(caller, claims)) throw new AppError("forbidden", "the new token is another person's");
  const answer = await rebindStream(stream, identityOf(claims), route.edge);
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(answer));
}

/** The caller's stream. That of somebody else is as good as none: nothing is to be learned from asking. */
function findOwn({ hub, workerId }: Edge, connectionId: string, caller: Person): Stream {
  const stream = hub.find(connectionId);
  if (stream !== undefined && isSamePerson(caller, ownerOf(stream))) return stream;
  const isElsewhere = !connectionId.startsWith(`${workerId}-`);
  throw new AppError(
    "not_found",
    isElsewhere ? "this connection is not held by this edge" : "there is no such connection",
  );
}

type Person = Pick<StreamClaims, "tenant_id" | "sub">;

function ownerOf({ reader }: Stream): Person {
  const { tenant, subject } = reader.listing.identity;
  return { tenant_id: tenant, sub: subject.id };
}

function isSamePerson(one: Person, other: Person): boolean {
  return one.tenant_id === other.tenant_id && one.sub === other.sub;
}
