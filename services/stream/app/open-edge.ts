import { withOutsideSessions } from "../access/outside-sessions.ts";
import type { PermissionDeps } from "../access/holds-permission.ts";
import type { AskedTime } from "#shared/tokens/token-verifier.ts";
import { openPresence } from "../bus/open-presence.ts";
import type { EdgeApi } from "../http/api.ts";
import type { StreamRoute } from "../http/stream-route.ts";
import type { SubscriptionDeps } from "../manage-subscription.ts";
import type { Edge } from "../open-stream.ts";
import type { EdgeParts } from "./edge-parts.ts";
import { openDelivery } from "./open-delivery.ts";

/** The edge, and what only its HTTP servers call. */
export type RunningEdge = Edge &
  Pick<StreamRoute, "renew" | "authTime"> &
  Pick<EdgeApi["edge"], "transportHealth"> &
  Pick<EdgeApi, "bindToken" | "callConnection" | "callLimits" | "topicStore" | "askPresence"> &
  SubscriptionDeps &
  PermissionDeps &
  AskedTime & { readonly workerId: string };

/** Opens everything but the servers, until the stack ends it. */
export async function openEdge(parts: EdgeParts, stack: AsyncDisposableStack): Promise<RunningEdge> {
  const delivery = await openDelivery(parts, stack, withOutsideSessions);
  return { ...delivery, ...openPresence({ ...parts, ...delivery }, stack) };
}
