import type { Hono } from "hono";
import type { AuthorizeDeps } from "../http/authorize.ts";
import { addConnectionRoutes } from "../http/connection-routes.ts";
import { addEventRoutes } from "../http/event-routes.ts";
import { addLiveRoute } from "../http/live-route.ts";
import { addSubscriptionRoutes, type SubscriptionRouteDeps } from "../http/subscription-routes.ts";
import { addTailRoute } from "../http/tail-route.ts";
import type { OpenEdges } from "./open-edges.ts";

type ConnectionDeps = Parameters<typeof addConnectionRoutes>[2];
type EventDeps = Parameters<typeof addEventRoutes>[2];

/** What the calls about what runs now need beside the edges. */
type RunningDeps = Pick<ConnectionDeps, "onClosed"> &
  Pick<EventDeps, "logs" | "find" | "onInspected"> &
  Pick<SubscriptionRouteDeps, "logs" | "subscriptions"> & {
    readonly onSubscriptionChanged: SubscriptionRouteDeps["onChanged"];
  };

/** Adds the calls about what runs now: streams, workers, durable subscriptions, the live tail, and single events. */
export function addRunningRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  { edges, history, tails, live, records: book }: OpenEdges,
  { onClosed, subscriptions, onSubscriptionChanged: onChanged, ...looking }: RunningDeps,
): void {
  addConnectionRoutes(api, authorizeDeps, { edges, history, onClosed });
  const { logs } = looking;
  const { wall } = authorizeDeps;
  addSubscriptionRoutes(api, authorizeDeps, { edges, book, logs, wall, subscriptions, onChanged });
  addLiveRoute(api, authorizeDeps, live);
  addTailRoute(api, authorizeDeps, { tails, find: looking.find });
  addEventRoutes(api, authorizeDeps, { ...authorizeDeps, edges, ...looking });
}
