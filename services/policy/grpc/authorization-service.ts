import { status } from "@grpc/grpc-js";
import type { HeaderValueOption } from "#proto/envoy/config/core/v3/base.ts";
import type {
  AuthorizationServer,
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "#proto/envoy/service/auth/v3/external_auth.ts";
import type { StatusCode } from "#proto/envoy/type/v3/http_status.ts";
import { httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { encodeName } from "#shared/protocol/encode-name.ts";
import { type AppError, toAppError } from "#shared/errors/app-error.ts";
import type { MethodCallers } from "#shared/grpc/check-caller.ts";
import { unaryHandler } from "#shared/grpc/start-server.ts";
import { problemOf } from "#shared/http/problem.ts";
import { requestIdOf } from "#shared/http/request-id.ts";
import { type GatewayRenewal, REFRESH_TOKEN_HEADER } from "../access/read-gateway-token.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { logRefusal } from "#shared/log/request-log.ts";
import { type AuthorizeRequestDeps, authorizeRequest, type Requester } from "../authorize-request.ts";
import type { PolicyMetrics } from "../metrics.ts";

/** The clients that may call each method, over mutual TLS. */
export const authorizationCallers: MethodCallers<keyof AuthorizationService> = { check: ["gateway.sluice"] };

/**
 * Answers gateways that speak Envoy's external authorization (`envoy.service.auth.v3`). Every failure is a denial: a
 * gateway may be set to let a request through when the call itself fails.
 */
export function createAuthorizationService(
  deps: AuthorizeRequestDeps,
  { decisions }: Pick<PolicyMetrics, "decisions">,
  log: LimitedLog,
): AuthorizationServer {
  const check = async ({ attributes }: CheckRequest, traceparent?: string): Promise<CheckResponse> => {
    const { method = "", path = "", host = "", headers = {} } = attributes?.request?.http ?? {};
    const requestId = requestIdOf(headers["x-request-id"]);
    try {
      const requester = await authorizeRequest(deps, { method, path, host, headers, traceparent });
      decisions.inc({ outcome: "allow", source: "ext_authz" });
      return allowed(requester);
    } catch (thrown) {
      const error = toAppError(thrown);
      logRefusal(log, error, { requestId, method, path: path.split("?")[0] });
      decisions.inc({ outcome: outcomeOf(error), source: "ext_authz" });
      return denied(error, requestId);
    }
  };
  return { check: unaryHandler(log, check) };
}

function outcomeOf(error: AppError): "deny" | "refused" | "unavailable" {
  if (error.code === "forbidden") return "deny";
  return httpStatusOf[error.code] >= 500 ? "unavailable" : "refused";
}

/**
 * The headers with which the request goes on replace those of the client; a header holds no free name, but its token. A refresh
 * token is nobody's behind the gateway.
 */
function allowed({ sub, tenant_id, renewal }: Requester): CheckResponse {
  const requester = { "x-sluice-subject": encodeName(sub), "x-sluice-tenant": tenant_id };
  const value = {
    headers: headersOf({ ...requester, ...headersBehind(renewal) }),
    headersToRemove: [REFRESH_TOKEN_HEADER],
    responseHeadersToAdd: renewal === undefined ? [] : headersInFront(renewal),
  };
  return { status: { code: status.OK, message: "" }, httpResponse: { $case: "okResponse", value } };
}

/** The server behind reads the new token where the old one stood. */
function headersBehind(renewal: GatewayRenewal | undefined): Record<string, string> {
  if (renewal === undefined) return {};
  const { accessToken, places } = renewal;
  return Object.fromEntries(
    places.map((place) => [place, place === "authorization" ? `Bearer ${accessToken}` : accessToken]),
  );
}

/** The client gets the new token by its cookie, or to keep it itself; no cache may. */
function headersInFront({ accessToken, cookies }: GatewayRenewal): HeaderValueOption[] {
  const common = { "x-access-token-renewed": "true", "cache-control": "no-store" };
  if (cookies === undefined) return headersOf({ ...common, "x-access-token": accessToken });
  // The server behind may set cookies of its own.
  return [...headersOf(common), ...cookies.map((value) => ({ header: { key: "set-cookie", value }, append: true }))];
}

function denied(error: AppError, requestId: string): CheckResponse {
  const problem = problemOf(error, requestId);
  return {
    status: { code: grpcStatusOf(problem.status), message: error.message },
    httpResponse: {
      $case: "deniedResponse",
      // Envoy knows every status that HTTP does.
      value: {
        status: { code: problem.status as StatusCode },
        headers: headersOf(problem.headers),
        body: problem.body,
      },
    },
  };
}

function grpcStatusOf(httpStatus: number): status {
  if (httpStatus === 401) return status.UNAUTHENTICATED;
  return httpStatus >= 500 ? status.UNAVAILABLE : status.PERMISSION_DENIED;
}

function headersOf(headers: Readonly<Record<string, string>>): HeaderValueOption[] {
  return Object.entries(headers).map(([key, value]) => ({ header: { key, value }, append: false }));
}
