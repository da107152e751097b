import { RetryBudget } from "#shared/async/retry-budget.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { AskedTime } from "#shared/tokens/token-verifier.ts";
import { invalidateSessions } from "../access/apply-control.ts";
import { AuthTime } from "../access/auth-time.ts";
import { guardClock } from "../access/clock-guard.ts";
import type { PermissionDeps } from "../access/holds-permission.ts";
import { withOutsideSessions } from "../access/outside-sessions.ts";
import { openPacedBus } from "../bus/paced-bus.ts";
import { createPeers } from "../bus/peer-calls.ts";
import { openPresence } from "../bus/open-presence.ts";
import { openSubscriptions } from "../bus/open-subscriptions.ts";
import { openTenants } from "../bus/open-tenant.ts";
import { type CallConnection, createConnectionId, openCalls } from "../call-connection.ts";
import { endStreamsOfKey } from "../connections/end-streams.ts";
import { historyLimitsOf } from "../connections/history-limits.ts";
import { Hub } from "../connections/hub.ts";
import { subscriptionLimitsOf } from "../durable/subscription-settings.ts";
import type { EdgeApi } from "../http/api.ts";
import type { StreamRoute } from "../http/stream-route.ts";
import { HistoryTurns } from "../log/history-turns.ts";
import { TailBudget } from "../log/tail.ts";
import type { SubscriptionDeps } from "../manage-subscription.ts";
import { observeHistory } from "../observe/history-metrics.ts";
import { EventTraces } from "../observe/event-traces.ts";
import { observeTenants } from "../observe/tenant-metrics.ts";
import type { Edge } from "../open-stream.ts";
import { RetryDelays } from "../sse/retry-delay.ts";
import { Turns } from "../turns/turns.ts";
import type { EdgeParts } from "./edge-parts.ts";
import { callsOf, openClients, openTopics } from "./open-clients.ts";
import { openObserving } from "./open-observing.ts";

/** How long a call of another edge may take beyond its questions to auth and policy. */
const CALL_MARGIN_MS = 1_000;

/** The edge, and what only its HTTP servers call. */
export type RunningEdge = Edge &
  Pick<StreamRoute, "renew" | "authTime"> &
  Pick<EdgeApi, "bindToken" | "callConnection" | "callLimits" | "topicStore" | "askPresence"> &
  SubscriptionDeps &
  PermissionDeps &
  AskedTime & { readonly workerId: string };

/** Opens everything but the servers, until the stack ends it. */
export async function openEdge(parts: EdgeParts, stack: AsyncDisposableStack): Promise<RunningEdge> {
  const { config, nats, registry, log, tracer, workerId, now, wall } = parts;
  const { admission, callLimits, roster, observer, overload } = await openObserving(parts, stack);
  const authTime = new AuthTime(systemClock);
  const { auth, decider } = await openClients(parts, stack, { authTime, observer });
  const sessions = withOutsideSessions(auth, authTime);
  const checkClock = guardClock(systemClock, () => {
    log.warn("the clock jumped: every session is asked for again");
    authTime.forget();
    invalidateSessions([...hub.registered()], verifying);
  });
  const retryDelays = new RetryDelays({ now });
  const isWithdrawn = (kid: string): boolean => withdrawn.has(kid);
  const handshake = { handshakeMs: config.STREAM_HANDSHAKE_MS, isWithdrawn };
  const verifying = { sessions, retries: new RetryBudget(), now, checkClock, observer, authTime, ...handshake };
  const opening = {
    ...verifying,
    wall,
    bus: stack.use(await openPacedBus(nats)),
    verifying,
    decider,
    tailBudget: new TailBudget(config.STREAM_TAIL_BYTES),
    flushMs: config.STREAM_FLUSH_MS,
    turns: new Turns({ now, checkClock }),
    leastFlushMs: () => overload.leastFlushMs,
    maxEventBytes: config.STREAM_EVENT_MAX_BYTES,
    log,
    tracer,
    traces: tracer.isOn ? new EventTraces(tracer, wall) : undefined,
  };
  const hub: Hub = stack.use(new Hub(openTenants(opening)));
  const withdrawn = stack.use(await followWithdrawnKeys(opening.bus, log, (kid) => endStreamsOfKey(hub, kid)));
  const historyTurns = stack.use(new HistoryTurns({ ...historyLimitsOf(config, hub), now }));
  observeTenants(registry, () => hub.tenants());
  observeHistory(registry, { tailBudget: opening.tailBudget, turns: historyTurns });
  const call: CallConnection = (asked, context) => calls.callConnection(asked, context);
  const edge = {
    ...verifying,
    ...openPresence({ ...verifying, nats, registry, workerId, hub, roster, wall }, stack),
    admission,
    callLimits,
    overload,
    retryDelays,
    hub,
    tracer,
    workerId,
    ...callsOf(auth, decider),
    subscriptions: stack.use(openSubscriptions({ ...subscriptionLimitsOf(config), ...opening, retryDelays, call })),
    ...(await openTopics(parts, stack, { retryDelays })),
    newConnectionId: () => createConnectionId(workerId),
    limitHistory: overload.pausing(historyTurns.limit),
  };
  const timeoutMs = config.STREAM_HANDSHAKE_MS + CALL_MARGIN_MS;
  const calls = stack.use(openCalls(edge, createPeers({ nats, workerId, timeoutMs, observer })));
  return { ...edge, callConnection: calls.callConnection };
}
