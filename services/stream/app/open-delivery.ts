import { RetryBudget } from "#shared/async/retry-budget.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { watchSeat } from "#shared/nats/watch-seat.ts";
import { systemClock } from "#shared/time/clock.ts";
import { invalidateSessions } from "../access/apply-control.ts";
import { AuthTime } from "#shared/tokens/auth-time.ts";
import { nameWithin } from "#shared/homes/name-within.ts";
import type { SessionChecker } from "../access/ports.ts";
import { ConnectionLog } from "../bus/connection-log.ts";
import { openMirrorWatch } from "../bus/mirror-watch.ts";
import { openPacedBus } from "../bus/paced-bus.ts";
import { createPeers } from "../bus/peer-calls.ts";
import { requireHere } from "../bus/require-here.ts";
import { openSubscriptions } from "../bus/open-subscriptions.ts";
import { openTenants } from "../bus/open-tenant.ts";
import { type CallConnection, createConnectionId, openCalls } from "../call-connection.ts";
import { endDurableStreams, endStreamsOfKey } from "../connections/end-streams.ts";
import { historyLimitsOf } from "../connections/history-limits.ts";
import { Hub } from "../connections/hub.ts";
import { subscriptionLimitsOf } from "../durable/subscription-settings.ts";
import { HistoryTurns } from "../log/history-turns.ts";
import { createObserver } from "../observe/create-observer.ts";
import { EventTraces } from "../observe/event-traces.ts";
import type { Observer } from "../observe/observer.ts";
import type { CountedTenant } from "../observe/tenant-metrics.ts";
import type { GrpcSessionChecker } from "../clients/session-checker.ts";
import { RetryDelays } from "../sse/retry-delay.ts";
import { TransportHealth } from "../transports/transport-health.ts";
import { Transports } from "../transports/transports.ts";
import type { HomeParts } from "./home-parts.ts";
import { callsOf, openClients, topicsOf } from "./open-clients.ts";

/** How long a call of another edge may take beyond its questions to auth and policy. */
const CALL_MARGIN_MS = 1_000;

/** Opens what reads the logs and judges what is in them: all of an edge but its servers and presence. It ends with the stack. */
export async function openDelivery(
  parts: HomeParts,
  stack: AsyncDisposableStack,
  sessionsOf: (auth: GrpcSessionChecker, authTime: AuthTime) => SessionChecker,
) {
  const { config, nats, log, tracer, workerId, now, home, shared } = parts;
  const { admission, overload, checkClock } = shared;
  const peersAway = new Set<string>();
  const observer = openObserver(parts, stack, peersAway);
  const nameOf = nameWithin(home);
  const [authTime, retryDelays] = [new AuthTime(systemClock), new RetryDelays({ now })];
  const transportHealth = new TransportHealth({ now, observer });
  const { auth, decider } = await openClients(parts, stack, { authTime, observer });
  const sessions = sessionsOf(auth, authTime);
  const onJump = (): void => invalidateSessions([...hub.registered()], verifying);
  const handshakeMs = config.STREAM_HANDSHAKE_MS;
  const handshake = { handshakeMs, isWithdrawn: (kid: string): boolean => withdrawn.has(kid) };
  const verifying = { sessions, retries: new RetryBudget(), now, checkClock, observer, authTime, ...handshake };
  const seat = stack.use(watchSeat(nats, { now, onLeft: () => endDurableStreams(hub) }));
  const reading = readingOf(parts, stack, await openPacedBus(nats));
  const opening = { ...verifying, ...reading, seat, verifying, decider };
  const hub: Hub = stack.use(new Hub(openTenants(opening)));
  stack.use(shared.onJump(onJump));
  const withdrawn = stack.use(await followWithdrawnKeys(opening.bus, log, (kid) => endStreamsOfKey(hub, kid)));
  const at = { requireHere: () => requireHere(seat) };
  const historyTurns = stack.use(new HistoryTurns({ ...historyLimitsOf(config, hub), now }));
  stack.use(shared.countLogs({ tenants: () => countedOf(hub, nameOf), turns: historyTurns }));
  const call: CallConnection = (asked, context) => calls.callConnection(asked, context);
  const edge = {
    ...verifying,
    ...at,
    admission,
    nameOf,
    callLimits: shared.callLimits.namedBy(nameOf),
    bus: opening.bus,
    overload,
    retryDelays,
    transportHealth,
    transports: new Transports(config.STREAM_TRANSPORTS, transportHealth),
    hub,
    tracer,
    workerId,
    ...callsOf(auth, decider),
    subscriptions: stack.use(
      openSubscriptions({ ...subscriptionLimitsOf(config), ...opening, ...at, retryDelays, call }),
    ),
    ...topicsOf(parts, { retryDelays }),
    newConnectionId: () => createConnectionId(workerId),
    limitHistory: overload.pausing(historyTurns.limit),
  };
  const peers = createPeers({ nats, workerId, timeoutMs: handshakeMs + CALL_MARGIN_MS, observer });
  const calls = stack.use(openCalls(edge, peers));
  return { ...edge, callConnection: calls.callConnection, peersAway };
}

/** How the logs of a home are read. */
function readingOf({ config, log, tracer, now, wall, shared }: HomeParts, stack: AsyncDisposableStack, bus: OpenBus) {
  stack.use(bus);
  return {
    wall,
    bus,
    mirrors: stack.use(openMirrorWatch(bus, now)),
    flushMs: config.STREAM_FLUSH_MS,
    maxEventBytes: config.STREAM_EVENT_MAX_BYTES,
    tailBudget: shared.tailBudget,
    turns: shared.turns,
    leastFlushMs: () => shared.overload.leastFlushMs,
    log,
    tracer,
    traces: tracer.isOn ? new EventTraces(tracer, wall) : undefined,
  };
}

type OpenBus = Awaited<ReturnType<typeof openPacedBus>>;

/** A home's own observer: it writes who was connected when to the home's log, and names tenants and peers as those of the home. */
function openObserver(
  { nats, log, requestLog, now, wall, home, shared }: HomeParts,
  stack: AsyncDisposableStack,
  peersAway: Set<string>,
): Observer {
  const { record } = stack.use(new ConnectionLog({ nats, wall, figures: shared.connectionLog, log: requestLog }));
  const { idle, counted } = stack.use(shared.counts.forHome());
  const { metrics } = shared;
  const nameOf = nameWithin(home);
  const named: Pick<Observer, "refused" | "peerSwitched"> = {
    refused: (error, { tenant, ...request }) =>
      metrics.refused(error, { ...request, tenant: tenant === undefined ? undefined : nameOf(tenant) }),
    peerSwitched(peer, isAway) {
      metrics.peerSwitched(nameOf(peer), isAway);
      if (isAway) peersAway.add(peer);
      else peersAway.delete(peer);
    },
  };
  return createObserver({ ...metrics, ...named, idle, counted }, { log, requestLog, record }, now);
}

/** The tenants of a home as they are counted among those of all homes. */
function* countedOf(hub: Hub, nameOf: (tenant: string) => string): Iterable<CountedTenant> {
  for (const tenant of hub.tenants()) {
    const { id, streams, eventsDelivered, log } = tenant;
    yield { id: nameOf(id), streams, eventsDelivered, log };
  }
}
