import { VERSION } from "#shared/lifecycle/version.ts";
import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Registry } from "prom-client";
import { type AskedTime, openTokenVerifier, type TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { closeServer, type ListenAddress } from "#shared/http/listen.ts";
import { openSockets } from "#shared/http/open-sockets.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { type LimitedLog, limitLines } from "#shared/log/limit-lines.ts";
import { watchReadiness } from "#shared/lifecycle/readiness.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock } from "#shared/time/clock.ts";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { invalidateSessions } from "./access/apply-control.ts";
import { type CallConnection, createConnectionId, openCalls } from "./call-connection.ts";
import { subscriptionLimitsOf } from "./durable/subscription-settings.ts";
import type { SubscriptionDeps } from "./manage-subscription.ts";
import { startKeepAlive } from "./connections/keep-alive.ts";
import { heedAnnouncement } from "./connections/calls/heed-announcement.ts";
import { ClientStreams } from "./connections/client-streams.ts";
import { drain, endStreamsOfKey } from "./connections/end-streams.ts";
import { startRenewingTopics } from "./connections/keep-topics.ts";
import { historyLimitsOf } from "./connections/history-limits.ts";
import { Hub } from "./connections/hub.ts";
import { lifetimesOf } from "./connections/lifetimes.ts";
import type { PermissionDeps } from "./access/holds-permission.ts";
import { AuthTime } from "./access/auth-time.ts";
import { guardClock } from "./access/clock-guard.ts";
import { shareTopicLists } from "./access/share-topic-lists.ts";
import { withOutsideSessions } from "./access/outside-sessions.ts";
import { createForwardEvents } from "./bus/forward-events.ts";
import { createPeers } from "./bus/peer-calls.ts";
import { announceOnBus, hearAnnouncements } from "./bus/topic-announcements.ts";
import { openPresence } from "./bus/open-presence.ts";
import { openTenants } from "./bus/open-tenant.ts";
import { openPacedBus } from "./bus/paced-bus.ts";
import { openSubscriptions } from "./bus/open-subscriptions.ts";
import type { StreamConfig } from "./config.ts";
import { openAdmission } from "./clients/open-admission.ts";
import { openTopicStore } from "./clients/open-topic-store.ts";
import { GrpcDecider } from "./clients/decider.ts";
import { GrpcSessionChecker } from "./clients/session-checker.ts";
import { createEdgeApi, type EdgeApi } from "./http/api.ts";
import { loadDemoPage } from "./http/demo-page.ts";
import { describeConnections } from "./http/describe-connections.ts";
import { createEdgeServer } from "./http/edge-server.ts";
import { listenOn } from "./http/listen-on.ts";
import { maxStreamsOf } from "./http/max-streams.ts";
import type { StreamRoute } from "./http/stream-route.ts";
import { HistoryTurns } from "./log/history-turns.ts";
import { TailBudget } from "./log/tail.ts";
import { createObserver } from "./observe/create-observer.ts";
import { observeHistory } from "./observe/history-metrics.ts";
import { createStreamMetrics } from "./observe/metrics.ts";
import { openOverloadGuard } from "./overload/open-overload-guard.ts";
import { checkKernel } from "./sse/check-kernel.ts";
import { Turns } from "./turns/turns.ts";
import { RetryDelays } from "./sse/retry-delay.ts";
import type { Edge } from "./open-stream.ts";
import { answerPrimary } from "./workers/answer-primary.ts";
import type { Operations } from "./workers/operations.ts";
import { startWorkers } from "./workers/start-workers.ts";

/** How long a call of another edge may take beyond its questions to auth and policy. */
const CALL_MARGIN_MS = 1_000;

const [now, wall] = [(): number => systemClock.monotonic(), (): number => systemClock.wall()];

/**
 * Starts the edge, in this process or in workers that get `env`. Disposing it ends every stream in good order, then closes
 * the connections to the bus and the other services.
 */
export async function startStream(config: StreamConfig, env: NodeJS.ProcessEnv): Promise<RunningService> {
  const log = createLogger("stream", config.LOG_LEVEL);
  const ops = {
    host: config.STREAM_OPS_BIND_ADDRESS,
    port: config.STREAM_OPS_PORT,
    setting: "STREAM_OPS_PORT",
    hosts: config.STREAM_OPS_ALLOWED_HOSTS,
  };
  if (config.STREAM_WORKERS > 1) {
    return startWorkers(config, env, { http: addressOf(config), ops }, log);
  }
  return startServing(config, log, false, async ({ registry, reasons, connections }, http) => {
    const pages = { "/debug/connections": connections };
    const server = await startOpsServer(ops, { metrics: registry, reasons, pages });
    log.info({ version: VERSION, http, grpc: 0, ops: server.port }, "ready");
    return server;
  });
}

/** Starts one of the workers that share a port. The primary passes it the questions of operators. */
export async function startWorker(config: StreamConfig): Promise<AsyncDisposable> {
  const log = createLogger("stream", config.LOG_LEVEL).child({ pid: process.pid });
  return startServing(config, log, true, answerPrimary);
}

/** Reports that the edge is ready on port `http`, and answers operators' questions from then on. */
type ReportTo = (operations: Operations, http: number) => Disposable | Promise<AsyncDisposable>;

async function startServing(
  config: StreamConfig,
  log: Logger,
  isShared: boolean,
  reportTo: ReportTo,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  await checkKernel(log);
  const nats = await connectNats(config, "stream", log);
  stack.defer(() => drainNats(nats));

  const registry = createMetricsRegistry();
  const requestLog = stack.use(limitLines(log));
  const sockets = openSockets(["http"], { registry, log: requestLog }).http;
  const maxStreams = maxStreamsOf(config, sockets, log);
  const edge = await startEdge({ ...config, STREAM_MAX_CONNECTIONS: maxStreams }, nats, stack, registry, {
    log,
    requestLog,
  });
  const verifier = stack.use(
    await openTokenVerifier(config, {
      withdrawn: { has: edge.isWithdrawn },
      time: edge,
      log,
      registry,
      onVerified: (cached, seconds) => edge.observer.tokenVerified(cached, seconds),
    }),
  );
  const demo =
    config.SLUICE_DEMO === "1"
      ? await loadDemoPage({ auth: config.AUTH_HTTP_PORT, policy: config.POLICY_HTTP_PORT, nats: config.NATS_PORT })
      : undefined;
  const route = createRoute(config, verifier, edge);
  stack.use(hearAnnouncements(nats, (said) => heedAnnouncement(said, edge), edge.observer));
  stack.use(startRenewingTopics(edge));
  stack.use(startKeepAlive(edge.hub, { ...edge, lifetimes: lifetimesOf(config) }));
  const forwardEvents = createForwardEvents(nats);
  const server = createEdgeServer({
    route,
    api: createEdgeApi({ ...edge, ...route, edge, forwardEvents, demo }, requestLog),
    speaksProxy: config.STREAM_PROXY_PROTOCOL === "v2",
    sockets,
  });
  const listener = await listenOn(server, { ...addressOf(config), isShared });
  stack.defer(() => closeServer(server, 1_000));
  stack.defer(() => listener.close());
  const checks = { ...verifier.checks, log_unusable: createLogCheck(nats) };
  const { reasons } = stack.use(watchReadiness(checks, log, { isServing: () => !edge.admission.isDraining }));
  const connections = (): object[] => describeConnections(edge.hub, { now, lifetimes: lifetimesOf(config) });
  stack.use(await reportTo({ registry, reasons, connections }, listener.port));
  stack.defer(() => drain(edge.admission, edge.hub, config.STREAM_DRAIN_MS));
  // The other workers on this port take the clients that come while this one drains.
  if (isShared) stack.defer(() => listener.close());
  return stack.move();
}

function addressOf({ STREAM_BIND_ADDRESS: host, STREAM_HTTP_PORT: port }: StreamConfig): ListenAddress {
  return { host, port, setting: "STREAM_HTTP_PORT" };
}

/** The edge, and what only its HTTP servers call. */
type RunningEdge = Edge &
  Pick<StreamRoute, "renew" | "authTime"> &
  Pick<EdgeApi, "bindToken" | "callConnection" | "callLimits" | "topicStore" | "askPresence"> &
  SubscriptionDeps &
  PermissionDeps &
  AskedTime & { readonly workerId: string };

/** Starts everything but the servers. */
async function startEdge(
  config: StreamConfig,
  nats: NatsConnection,
  stack: AsyncDisposableStack,
  registry: Registry,
  { log, requestLog }: { readonly log: Logger; readonly requestLog: LimitedLog },
): Promise<RunningEdge> {
  const workerId = randomBytes(6).toString("hex");
  const { admission, counts, callLimits, roster } = await openAdmission(config, { workerId, wall, log }, stack);
  const observer = createObserver(createStreamMetrics(registry, admission, counts), { log, requestLog }, now);
  const authTime = new AuthTime(systemClock);
  const { auth, decider } = await openClients(config, log, stack, { now, authTime, observer });
  const sessions = withOutsideSessions(auth, authTime);
  const checkClock = guardClock(systemClock, () => {
    log.warn("the clock jumped: every session is asked for again");
    authTime.forget();
    invalidateSessions([...hub.registered()], verifying);
  });
  const overload = openOverloadGuard(config.STREAM_MEMORY_BYTES, stack, { now, observer });
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
  };
  const hub: Hub = stack.use(new Hub(openTenants(opening)));
  const withdrawn = stack.use(await followWithdrawnKeys(opening.bus, log, (kid) => endStreamsOfKey(hub, kid)));
  const historyTurns = stack.use(new HistoryTurns({ ...historyLimitsOf(config, hub), now }));
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
    workerId,
    ...callsOf(auth, decider),
    subscriptions: stack.use(openSubscriptions({ ...subscriptionLimitsOf(config), ...opening, retryDelays, call })),
    ...(await openTopics(config, { nats, retryDelays }, stack, log)),
    newConnectionId: () => createConnectionId(workerId),
    limitHistory: overload.pausing(historyTurns.limit),
  };
  const timeoutMs = config.STREAM_HANDSHAKE_MS + CALL_MARGIN_MS;
  const calls = stack.use(openCalls(edge, createPeers({ nats, workerId, timeoutMs, observer })));
  return { ...edge, callConnection: calls.callConnection };
}

async function openClients(
  config: StreamConfig,
  log: Logger,
  stack: AsyncDisposableStack,
  deps: Pick<Edge, "now" | "observer"> & { readonly authTime: AuthTime },
) {
  const security = stack.use(await openGrpcSecurity(config, "stream.sluice", log));
  const auth = stack.use(new GrpcSessionChecker(config.AUTH_GRPC_URL, security.channelTo("auth.sluice"), deps));
  return {
    auth,
    decider: stack.use(new GrpcDecider(config.POLICY_GRPC_URL, security.channelTo("policy.sluice"), deps)),
  };
}

/** What the edge's HTTP servers and streams call directly. */
function callsOf({ renew, bindToken, askTime }: GrpcSessionChecker, decider: GrpcDecider) {
  return { renew, bindToken, askTime, decider, mapResource: decider.mapResource };
}

/** What changes of topics need, and where clients' topics are kept. */
async function openTopics(
  config: StreamConfig,
  { nats, retryDelays }: { readonly nats: NatsConnection; readonly retryDelays: RetryDelays },
  stack: AsyncDisposableStack,
  log: Logger,
) {
  return {
    shareTopics: shareTopicLists(),
    topicStore: await openTopicStore(config, stack, log),
    clientStreams: new ClientStreams(retryDelays),
    announceTopics: announceOnBus(nats),
  };
}

function createRoute(config: StreamConfig, { verify, isOutside }: TokenVerifier, edge: RunningEdge): StreamRoute {
  return {
    edge,
    renew: edge.renew,
    authTime: edge.authTime,
    isOutside,
    verify,
    cookies: createTokenCookies(config),
    allowedOrigins: config.STREAM_ALLOWED_ORIGINS,
    trusted: { proxies: config.STREAM_TRUSTED_PROXIES, header: config.STREAM_FORWARDED_HEADER },
  };
}
