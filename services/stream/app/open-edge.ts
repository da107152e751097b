import { withOutsideSessions } from "../access/outside-sessions.ts";
import type { PermissionDeps } from "../access/holds-permission.ts";
import type { AskedTime } from "#shared/tokens/token-verifier.ts";
import { openPresence } from "../bus/open-presence.ts";
import type { EdgeApi } from "../http/api.ts";
import type { StreamRoute } from "../http/stream-route.ts";
import type { SubscriptionDeps } from "../manage-subscription.ts";
import type { Edge } from "../open-stream.ts";
import type { HomeParts } from "./home-parts.ts";
import { openDelivery } from "./open-delivery.ts";

/** The edge, and what only its HTTP servers call. */
export type RunningEdge = Edge &
  Pick<StreamRoute, "renew" | "authTime"> &
  Pick<EdgeApi["edge"], "transportHealth"> &
  Pick<EdgeApi, "bindToken" | "callConnection" | "callLimits" | "topicStore" | "askPresence"> &
  SubscriptionDeps &
  PermissionDeps &
  AskedTime & {
    readonly workerId: string;
    /** The services of the home that do not answer. */
    readonly peersAway: ReadonlySet<string>;
  };

/** Opens everything of a home but its doors, until the stack ends it. */
export async function openEdge(parts: HomeParts, stack: AsyncDisposableStack): Promise<RunningEdge> {
  const { shared } = parts;
  const delivery = await openDelivery(parts, stack, withOutsideSessions);
  const deps = { ...parts, ...delivery, roster: shared.roster, figures: shared.presence };
  const { watched, ...presence } = openPresence(deps, stack);
  stack.use(shared.countWatched(watched));
  return { ...delivery, ...presence };
}
