import type { Hono } from "hono";
import type { AuthorizeDeps } from "../http/authorize.ts";
import { addConnectionRoutes } from "../http/connection-routes.ts";
import { addEventRoutes } from "../http/event-routes.ts";
import { addTailRoute } from "../http/tail-route.ts";
import type { OpenEdges } from "./open-edges.ts";

type ConnectionDeps = Parameters<typeof addConnectionRoutes>[2];
type EventDeps = Parameters<typeof addEventRoutes>[2];

/** What the calls about what runs now need beside the edges. */
type RunningDeps = Pick<ConnectionDeps, "onClosed"> & Pick<EventDeps, "logs" | "find" | "onInspected">;

/** Adds the calls about what runs now: streams, workers, the live tail, and single events. */
export function addRunningRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  { edges, history, tails }: OpenEdges,
  { onClosed, ...looking }: RunningDeps,
): void {
  addConnectionRoutes(api, authorizeDeps, { edges, history, onClosed });
  addTailRoute(api, authorizeDeps, tails);
  addEventRoutes(api, authorizeDeps, { ...authorizeDeps, edges, ...looking });
}
