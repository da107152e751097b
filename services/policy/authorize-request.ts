import { AppError } from "#shared/errors/app-error.ts";
import { isTrustedPage } from "#shared/http/origin.ts";
import { readTokenSource, type TokenSource } from "#shared/http/token-source.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import { decideQuestion } from "./decide/decide-question.ts";
import { trustedSubject } from "./decide/trusted-subject.ts";
import { presentSubject, type PresentSubjectDeps } from "./sessions/present-subject.ts";
import type { Snapshots } from "./versions/snapshots.ts";

/** A request of somebody's client, as a gateway describes it. */
export interface GatewayRequest {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly path: string;
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a token, its session and the rights of its subject are checked by. */
export interface SessionDeps extends PresentSubjectDeps {
  readonly verify: (token: string) => Promise<VerifiedClaims>;
  readonly snapshots: Pick<Snapshots, "atLeast">;
  /** Milliseconds since 1970: bindings end. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/** What the requests at a gateway are authorized by. */
export interface AuthorizeRequestDeps extends SessionDeps {
  /** Pages that may use cookies, beside those of the host itself. */
  readonly allowedOrigins: readonly string[];
}

/** The subject of a request. */
export type Requester = Pick<VerifiedClaims, "sub" | "tenant_id">;

/**
 * Decides on a request at a gateway as the edge and `check` decide: by its token's person as auth knows them now, and by the
 * routes and rules in force now.
 * @throws {AppError} `forbidden`, also where no route has the path; what is wrong with the token; `unavailable`.
 */
export async function authorizeRequest(deps: AuthorizeRequestDeps, request: GatewayRequest): Promise<Requester> {
  const claims = await deps.verify(readToken(deps, request));
  const [present, snapshot] = await Promise.all([
    presentSubject(deps, claims),
    deps.snapshots.atLeast(claims.tenant_id),
  ]).catch(forbidUnknownTenant);
  const { method, path } = request;
  const subject = trustedSubject(snapshot, present, deps.ownIssuer);
  const allow = decideQuestion(snapshot, subject, { of: "request", method, path }, deps.wall());
  if (!allow) throw new AppError("forbidden", "you may not do this");
  return claims;
}

function readToken({ allowedOrigins }: AuthorizeRequestDeps, { path, host, headers }: GatewayRequest): string {
  const query = new URLSearchParams(path.split("?").slice(1).join("?"));
  const source = readTokenSource({ headers, query });
  if (source === undefined) throw new AppError("token_missing", "this needs an access token");
  if (isForged(source, headers, host, allowedOrigins)) {
    throw new AppError("cross_site", "this page may not use the cookie");
  }
  return source.token;
}

/** Whether the cookie was sent by a page that its user never asked to. */
function isForged(
  { from }: TokenSource,
  headers: GatewayRequest["headers"],
  host: string,
  allowedOrigins: readonly string[],
): boolean {
  const page = { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"], host };
  return from === "cookie" && !isTrustedPage(page, allowedOrigins);
}

/** The answer does not show whether another tenant exists. */
function forbidUnknownTenant(error: unknown): never {
  if (error instanceof AppError && error.code === "tenant_unknown")
    throw new AppError("forbidden", "you may not do this");
  throw error;
}
