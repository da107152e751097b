import { RetryBudget } from "#shared/async/retry-budget.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock } from "#shared/time/clock.ts";
import { invalidateSessions } from "../access/apply-control.ts";
import { AuthTime } from "../access/auth-time.ts";
import { guardClock } from "../access/clock-guard.ts";
import type { SessionChecker } from "../access/ports.ts";
import { openPacedBus } from "../bus/paced-bus.ts";
import { createPeers } from "../bus/peer-calls.ts";
import { openSubscriptions } from "../bus/open-subscriptions.ts";
import { openTenants } from "../bus/open-tenant.ts";
import { type CallConnection, createConnectionId, openCalls } from "../call-connection.ts";
import { endStreamsOfKey } from "../connections/end-streams.ts";
import { historyLimitsOf } from "../connections/history-limits.ts";
import { Hub } from "../connections/hub.ts";
import { subscriptionLimitsOf } from "../durable/subscription-settings.ts";
import { HistoryTurns } from "../log/history-turns.ts";
import { TailBudget } from "../log/tail.ts";
import { EventTraces } from "../observe/event-traces.ts";
import { observeLogs } from "../observe/log-metrics.ts";
import type { GrpcSessionChecker } from "../clients/session-checker.ts";
import { RetryDelays } from "../sse/retry-delay.ts";
import { TransportHealth } from "../transports/transport-health.ts";
import { Transports } from "../transports/transports.ts";
import { Turns } from "../turns/turns.ts";
import type { EdgeParts } from "./edge-parts.ts";
import { callsOf, openClients, openTopics } from "./open-clients.ts";
import type { StreamConfig } from "../config.ts";
import { openObserving } from "./open-observing.ts";

/** How long a call of another edge may take beyond its questions to auth and policy. */
const CALL_MARGIN_MS = 1_000;

/** Opens what reads the logs and judges what is in them: all of an edge but its servers and presence. It ends with the stack. */
export async function openDelivery(
  parts: EdgeParts,
  stack: AsyncDisposableStack,
  sessionsOf: (auth: GrpcSessionChecker, authTime: AuthTime) => SessionChecker,
) {
  const { config, nats, registry, log, tracer, workerId, now, wall } = parts;
  const { admission, callLimits, roster, observer, overload } = await openObserving(parts, stack);
  const [authTime, retryDelays] = [new AuthTime(systemClock), new RetryDelays({ now })];
  const transportHealth = new TransportHealth({ now, observer });
  const { auth, decider } = await openClients(parts, stack, { authTime, observer });
  const sessions = sessionsOf(auth, authTime);
  const checkClock = guardClock(systemClock, () => {
    log.warn("the clock jumped: every session is asked for again");
    authTime.forget();
    invalidateSessions([...hub.registered()], verifying);
  });
  const handshakeMs = config.STREAM_HANDSHAKE_MS;
  const handshake = { handshakeMs, isWithdrawn: (kid: string): boolean => withdrawn.has(kid) };
  const verifying = { sessions, retries: new RetryBudget(), now, checkClock, observer, authTime, ...handshake };
  const opening = {
    ...verifying,
    wall,
    bus: stack.use(await openPacedBus(nats)),
    verifying,
    decider,
    ...readingOf(config),
    turns: new Turns({ now, checkClock }),
    leastFlushMs: () => overload.leastFlushMs,
    log,
    tracer,
    traces: tracer.isOn ? new EventTraces(tracer, wall) : undefined,
  };
  const hub: Hub = stack.use(new Hub(openTenants(opening)));
  const withdrawn = stack.use(await followWithdrawnKeys(opening.bus, log, (kid) => endStreamsOfKey(hub, kid)));
  const historyTurns = stack.use(new HistoryTurns({ ...historyLimitsOf(config, hub), now }));
  observeLogs(registry, { ...opening, tenants: () => hub.tenants(), turns: historyTurns });
  const call: CallConnection = (asked, context) => calls.callConnection(asked, context);
  const edge = {
    ...verifying,
    admission,
    callLimits,
    roster,
    bus: opening.bus,
    overload,
    retryDelays,
    transportHealth,
    transports: new Transports(config.STREAM_TRANSPORTS, transportHealth),
    hub,
    tracer,
    workerId,
    ...callsOf(auth, decider),
    subscriptions: stack.use(openSubscriptions({ ...subscriptionLimitsOf(config), ...opening, retryDelays, call })),
    ...(await openTopics(parts, stack, { retryDelays })),
    newConnectionId: () => createConnectionId(workerId),
    limitHistory: overload.pausing(historyTurns.limit),
  };
  const peers = createPeers({ nats, workerId, timeoutMs: handshakeMs + CALL_MARGIN_MS, observer });
  const calls = stack.use(openCalls(edge, peers));
  return { ...edge, callConnection: calls.callConnection };
}

/** How the logs are read. */
function readingOf(config: StreamConfig) {
  const { STREAM_FLUSH_MS: flushMs, STREAM_EVENT_MAX_BYTES: maxEventBytes } = config;
  return { tailBudget: new TailBudget(config.STREAM_TAIL_BYTES), flushMs, maxEventBytes };
}
