import type { CallContext } from "#shared/async/call-context.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { asUnsampled, traceparentOf } from "#shared/protocol/traceparent.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { TokenVerifier } from "#shared/tokens/token-verifier.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import {
  type GatewayRenewal,
  type GatewayRequest,
  type GatewayTokenDeps,
  readGatewayToken,
} from "./access/read-gateway-token.ts";
import { decideQuestion } from "./decide/decide-question.ts";
import { trustedSubject } from "./decide/trusted-subject.ts";
import { presentSubject, type PresentSubjectDeps } from "./sessions/present-subject.ts";
import type { Snapshots } from "./versions/snapshots.ts";

/** What a token, its session and the rights of its subject are checked by. */
export interface SessionDeps extends PresentSubjectDeps {
  readonly verify: TokenVerifier["verify"];
  readonly snapshots: Pick<Snapshots, "atLeast" | "find">;
  /** Milliseconds since 1970: bindings end. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/** What the requests at a gateway are authorized by. */
export interface AuthorizeRequestDeps extends SessionDeps, Omit<GatewayTokenDeps<VerifiedClaims>, "verify"> {}

/** The subject of a request, and its new access token where one was made. */
export interface Requester extends Pick<VerifiedClaims, "sub" | "tenant_id"> {
  readonly renewal?: GatewayRenewal;
}

/**
 * Decides on a request at a gateway as the edge and `check` decide: by its token's person as auth knows them now, and by the
 * routes and rules in force now.
 * @throws {AppError} `forbidden`, also where no route has the path; what is wrong with the token; `unavailable`.
 */
export async function authorizeRequest(deps: AuthorizeRequestDeps, request: GatewayRequest): Promise<Requester> {
  const { claims, ...more } = await readGatewayToken(deps, request);
  const [present, snapshot] = await Promise.all([
    presentSubject(deps, claims, contextOf(request)),
    deps.snapshots.atLeast(claims.tenant_id),
  ]).catch(forbidUnknownTenant);
  const { method, path } = request;
  const subject = trustedSubject(snapshot, present, deps.ownIssuer);
  const allow = decideQuestion(snapshot, subject, { of: "request", method, path }, deps.wall());
  if (!allow) throw new AppError("forbidden", "you may not do this");
  return { sub: claims.sub, tenant_id: claims.tenant_id, ...more };
}

/** Without a span of the gateway's call, the calls belong to the trace that its client names, which nobody records for that. */
function contextOf({ headers, traceparent }: GatewayRequest): CallContext {
  const given = traceparentOf(headers["traceparent"]);
  return {
    requestId: requestIdOf(headers["x-request-id"]),
    traceparent: traceparent ?? (given && asUnsampled(given)),
  };
}

/** The answer does not show whether another tenant exists. */
function forbidUnknownTenant(error: unknown): never {
  if (error instanceof AppError && error.code === "tenant_unknown")
    throw new AppError("forbidden", "you may not do this");
  throw error;
}
