import type { Hono } from "hono";
import { createJsonApi, refuseMethod } from "#shared/http/json-api.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import type { Welcome } from "#shared/http/welcome-page.ts";
import { EVENTS_PATH } from "#shared/http/openapi/publish-call.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { addCapabilitiesRoute, type CapabilitiesRoute } from "./capabilities-route.ts";
import { addClientsRoutes, type ClientsRoutes } from "./clients-routes.ts";
import { addClientScript } from "./client-script.ts";
import { addDemoPage, type DemoPage } from "./demo-page.ts";
import { addForwardEventsRoute, type ForwardEventsRoute } from "./forward-events-route.ts";
import { addPresenceRoutes, type PresenceRoute } from "./presence-route.ts";
import { addReportsRoute, type ReportsRoute } from "./reports-route.ts";
import { addRebindRoute, type RebindRoute } from "./rebind-route.ts";
import { ACK_PATHS, addSubscriptionRoutes, type SubscriptionRoutes } from "./subscription-routes.ts";
import { addTopicsRoute, type TopicsRoute } from "./topics-route.ts";
import { POLL_CALL, STREAM_CALL } from "./stream-call.ts";
import { HANDSHAKE_PATHS, POLL_PATH, STREAM_PATH } from "./stream-headers.ts";

/** A token of 64 KB, in JSON. */
const MAX_BODY_BYTES = 96 * 1_024;

/** What the edge's API serves. */
export interface EdgeApi
  extends
    CapabilitiesRoute,
    RebindRoute,
    TopicsRoute,
    ClientsRoutes,
    PresenceRoute,
    SubscriptionRoutes,
    ForwardEventsRoute,
    ReportsRoute {
  readonly edge: CapabilitiesRoute["edge"] &
    RebindRoute["edge"] &
    ClientsRoutes["edge"] &
    PresenceRoute["edge"] &
    SubscriptionRoutes["edge"] &
    ForwardEventsRoute["edge"] &
    ReportsRoute["edge"];
  /** The demo's page; undefined outside the demo. */
  readonly demo: DemoPage | undefined;
}

/** Everything on the edge's public port that is no stream. */
export function createEdgeApi(routes: EdgeApi, log: LimitedLog, tracer: Tracer): Hono {
  const streamedPaths = new RegExp(`^${EVENTS_PATH}$|${ACK_PATHS.source}`);
  const bodies = { maxBodyBytes: MAX_BODY_BYTES, streamedPaths };
  const api = createJsonApi(
    {
      ...bodies,
      allowedOrigins: routes.allowedOrigins,
      trusted: routes.trusted,
      welcome: welcomeOf(routes),
      describedFor: "stream",
    },
    log,
    tracer,
  );
  addCapabilitiesRoute(api, routes);
  addRebindRoute(api, routes);
  addTopicsRoute(api, routes);
  addClientsRoutes(api, routes);
  addSubscriptionRoutes(api, routes);
  addPresenceRoutes(api, routes);
  addForwardEventsRoute(api, routes);
  addReportsRoute(api, routes);
  addClientScript(api);
  if (routes.demo !== undefined) addDemoPage(api, routes.demo);
  // Their GET is not answered here: a stream has the bare socket.
  api.get(STREAM_PATH, describeCall(STREAM_CALL));
  api.get(POLL_PATH, describeCall(POLL_CALL));
  for (const path of HANDSHAKE_PATHS) api.all(path, (c) => refuseMethod(c, ["GET"]));
  return api;
}

/** What stands at `/` of the edge's HTTP port. */
function welcomeOf({ demo }: Pick<EdgeApi, "demo">): Welcome {
  return {
    name: "Sluice: the edge",
    about: "It delivers events to browsers, and lets through exactly what each person may see.",
    links: [
      ...(demo === undefined ? [] : [{ href: "/demo", text: "the demo" }]),
      { href: STREAM_PATH, text: "an event stream: ?topic=… and a token" },
    ],
  };
}
