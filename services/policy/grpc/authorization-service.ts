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
import type { Logger } from "#shared/log/create-logger.ts";
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
  { log, requestLog }: { readonly log: Logger; readonly requestLog: LimitedLog },
): AuthorizationServer {
  const check = async ({ attributes }: CheckRequest): Promise<CheckResponse> => {
    const { method = "", path = "", host = "", headers = {} } = attributes?.request?.http ?? {};
    const requestId = requestIdOf(headers["x-request-id"]);
    try {
      const requester = await authorizeRequest(deps, { method, path, host, headers });
      decisions.inc({ outcome: "allow", source: "ext_authz" });
      return allowed(requester);
    } catch (thrown) {
      const error = toAppError(thrown);
      logRefusal(requestLog, error, { requestId, method, path: path.split("?")[0] });
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

/** The headers with which the request goes on. They replace those of the client. A header holds no free name, but its token. */
function allowed({ sub, tenant_id }: Requester): CheckResponse {
  const headers = headersOf({ "x-sluice-subject": encodeName(sub), "x-sluice-tenant": tenant_id });
  return { status: { code: status.OK, message: "" }, httpResponse: { $case: "okResponse", value: { headers } } };
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
