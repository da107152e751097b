import type { Hono } from "hono";
import { createJsonApi, type JsonApiLimits } from "#shared/http/json-api.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import type { AuthorizeDeps } from "./authorize.ts";
import { addCheckRoute } from "./check-route.ts";
import { addConnectionRoutes } from "./connection-routes.ts";
import { addEraseRoute } from "./erase-route.ts";
import { addEventRoutes } from "./event-routes.ts";
import { addExplainRoutes } from "./explain-route.ts";
import { addExportRoutes, IMPORT_PATH } from "./export-routes.ts";
import { addLiveRoute } from "./live-route.ts";
import { addPolicyRoutes } from "./policy-routes.ts";
import { addReviewRoutes } from "./review-routes.ts";
import { addSubjectRoutes } from "./subject-routes.ts";
import { addSubscriptionRoutes } from "./subscription-routes.ts";
import { addTailRoute } from "./tail-route.ts";
import { addTenantRoutes } from "./tenant-routes.ts";
import { policyWelcome } from "./welcome.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** What each group of policy's calls needs. */
export interface PolicyApiDeps {
  readonly authorizing: AuthorizeDeps;
  readonly changes: Parameters<typeof addTenantRoutes>[2];
  readonly files: Parameters<typeof addPolicyRoutes>[3];
  readonly tenants: Parameters<typeof addTenantRoutes>[3];
  readonly reviews: Parameters<typeof addReviewRoutes>[2];
  readonly checks: Parameters<typeof addCheckRoute>[2];
  readonly connections: Parameters<typeof addConnectionRoutes>[2];
  readonly subscriptions: Parameters<typeof addSubscriptionRoutes>[2];
  readonly live: Parameters<typeof addLiveRoute>[2];
  readonly tails: Parameters<typeof addTailRoute>[2];
  readonly events: Parameters<typeof addEventRoutes>[2];
  readonly explaining: Parameters<typeof addExplainRoutes>[2];
}

/** Policy's HTTP API, but for what says how the process is: that is known once its ports are open. */
export function createPolicyApi(
  limits: Pick<JsonApiLimits, "allowedOrigins" | "trusted">,
  deps: PolicyApiDeps,
  log: LimitedLog,
  tracer: Tracer,
): Hono {
  const bodies = { maxBodyBytes: MAX_BODY_BYTES, streamedPaths: IMPORT_PATH };
  const api = createJsonApi({ ...bodies, ...limits, welcome: policyWelcome, describedFor: "policy" }, log, tracer);
  const { authorizing, changes, files } = deps;
  addTenantRoutes(api, authorizing, changes, deps.tenants);
  addPolicyRoutes(api, authorizing, changes, files);
  addReviewRoutes(api, authorizing, deps.reviews);
  addExportRoutes(api, authorizing, changes, files);
  addSubjectRoutes(api, authorizing, changes);
  addEraseRoute(api, authorizing, changes);
  addCheckRoute(api, authorizing, deps.checks);
  addConnectionRoutes(api, authorizing, deps.connections);
  addSubscriptionRoutes(api, authorizing, deps.subscriptions);
  addLiveRoute(api, authorizing, deps.live);
  addTailRoute(api, authorizing, deps.tails);
  addEventRoutes(api, authorizing, deps.events);
  addExplainRoutes(api, authorizing, deps.explaining);
  return api;
}
