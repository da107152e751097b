import { randomBytes } from "node:crypto";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Registry } from "prom-client";
import { rememberVerified } from "#shared/contract/remember-verified.ts";
import { remoteKeys } from "#shared/contract/remote-keys.ts";
import { ownIssuer, withoutWithdrawn } from "#shared/contract/verify-access-token.ts";
import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { closeServer, listen, type ListenAddress } from "#shared/http/listen.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { followWithdrawnKeys } from "#shared/nats/withdrawn-keys.ts";
import { systemClock } from "#shared/time/clock.ts";
import { Admission } from "./admission/admission.ts";
import { shareTurns } from "./admission/share-turns.ts";
import { doubtSessions, endListing } from "./audience/apply-control.ts";
import { startHeartbeat } from "./audience/heartbeat.ts";
import { Hub } from "./audience/hub.ts";
import { ClockGuard } from "./authorization/clock-guard.ts";
import { type OutsideIssuer, readOutsideIssuers } from "./authorization/outside-issuers.ts";
import { withOutsideSessions } from "./authorization/outside-sessions.ts";
import { createStreamVerifier } from "./authorization/verify-stream-token.ts";
import { openTenant } from "./bus/open-tenant.ts";
import type { StreamConfig } from "./config.ts";
import { GrpcDecider } from "./grpc/decider.ts";
import { GrpcSessionChecker } from "./grpc/session-checker.ts";
import { loadDemoPage } from "./http/demo-page.ts";
import { describeConnections } from "./http/describe-connections.ts";
import { drain } from "./http/drain.ts";
import { createEdgeServer } from "./http/edge-server.ts";
import type { StreamRoute } from "./http/stream-route.ts";
import { TailBudget } from "./log/tail.ts";
import { createStreamMetrics, type StreamMetrics } from "./metrics.ts";
import { reportPoison } from "./bus/report-poison.ts";
import { checkKernel } from "./sse/check-kernel.ts";
import type { Edge } from "./open-stream.ts";

/** Reads of history under way at a time: more of them only wait for each other inside JetStream. */
const MAX_HISTORY_READS = 32;

/** Starts the edge. Disposing it ends every stream in good order, then lets go of the bus and the other services. */
export async function startStream(config: StreamConfig): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const log = createLogger("stream", config.LOG_LEVEL);
  const issuers = await readIssuers(config);
  await checkKernel(log);
  const nats = await connectNats(config.NATS_URL, "stream", log);
  stack.defer(() => drainNats(nats));

  const registry = createMetricsRegistry();
  const edge = await startEdge(config, nats, stack, registry, log);
  const demo =
    config.SLUICE_DEMO === "1"
      ? await loadDemoPage({ auth: config.AUTH_HTTP_PORT, policy: config.POLICY_HTTP_PORT })
      : undefined;
  const server = createEdgeServer({ route: createRoute(config, issuers, edge), demo });
  const at = (setting: "STREAM_HTTP_PORT" | "STREAM_OPS_PORT"): ListenAddress => ({
    host: config.STREAM_BIND_ADDRESS,
    port: config[setting],
    setting,
  });
  const http = await listen(server, at("STREAM_HTTP_PORT"));
  stack.defer(() => closeServer(server, 1_000));
  const isReady = (): boolean => !edge.admission.isDraining && !nats.isClosed();
  const pages = { "/debug/connections": () => describeConnections(edge.hub, edge) };
  const ops = stack.use(await startOpsServer(at("STREAM_OPS_PORT"), registry, isReady, pages));
  stack.defer(() => drain(edge.admission, edge.hub, config.STREAM_DRAIN_MS));
  log.info({ http, grpc: 0, ops: ops.port }, "ready");
  return stack.move();
}

/** The edge, and what its doors ask of auth themselves. */
type RunningEdge = Edge & Pick<StreamRoute, "renew"> & Pick<StreamMetrics, "tokenVerified">;

/** Everything behind the doors. */
async function startEdge(
  config: StreamConfig,
  nats: NatsConnection,
  stack: AsyncDisposableStack,
  registry: Registry,
  log: Logger,
): Promise<RunningEdge> {
  const admission = new Admission(config.STREAM_MAX_CONNECTIONS);
  const metrics = createStreamMetrics(registry, admission);
  const security = stack.use(await openGrpcSecurity(config, "stream.sluice", log));
  const auth = stack.use(
    new GrpcSessionChecker(config.AUTH_GRPC_URL, security.channelTo("auth.sluice"), (questions, seconds) =>
      metrics.sessionCall(questions, seconds),
    ),
  );
  const sessions = withOutsideSessions(auth, () => systemClock.wall());
  const decider = stack.use(new GrpcDecider(config.POLICY_GRPC_URL, security.channelTo("policy.sluice")));
  const guard = new ClockGuard(systemClock, () => {
    log.warn("the clock jumped: every session is asked for again");
    doubtSessions([...hub.streams()], verifying);
  });
  const now = (): number => guard.now();
  const onFault = (error: unknown): void => log.error({ err: error }, "a stream failed in an unexpected way");
  const verifying = { sessions, now, onFault, wall: () => systemClock.wall() };
  const opening = {
    ...verifying,
    nats,
    jsm: await jetstreamManager(nats),
    verifying,
    decider,
    tailBudget: new TailBudget(config.STREAM_TAIL_BYTES),
    flushMs: config.STREAM_FLUSH_MS,
    maxEventBytes: config.STREAM_EVENT_MAX_BYTES,
    onPoison: reportPoison(metrics, log, now),
    metrics,
    log,
  };
  const hub: Hub = stack.use(new Hub((id) => openTenant(id, opening)));
  const withdrawn = stack.use(await followWithdrawnKeys(nats, log, (kid) => endStreamsOf(hub, kid)));
  stack.use(startHeartbeat(hub, verifying));
  const workerId = randomBytes(6).toString("hex");
  return {
    ...verifying,
    admission,
    hub,
    handshakeMs: config.STREAM_HANDSHAKE_MS,
    isWithdrawn: (kid) => withdrawn.has(kid),
    workerId,
    renew: auth.renew,
    mapResource: decider.mapResource,
    tokenVerified: (cached, seconds) => metrics.tokenVerified(cached, seconds),
    newConnectionId: () => `${workerId}-${randomBytes(12).toString("hex")}`,
    limitHistory: shareTurns(MAX_HISTORY_READS),
    onHandshake: (outcome) => metrics.handshake(outcome),
    onTenantFull: (tenant) => metrics.tenantFull(tenant),
    onDelivered: (events) => metrics.delivered(events),
    onNotice: (event) => metrics.notice(event),
  };
}

/** Who is still opening a stream meets the withdrawn key by himself. */
function endStreamsOf(hub: Hub, kid: string): void {
  for (const { reader } of hub.streams()) {
    if (reader.listing.identity.kid === kid) endListing(reader.listing, "revoked");
  }
}

async function readIssuers(config: StreamConfig): Promise<readonly OutsideIssuer[]> {
  const { AUTH_ISSUERS_FILE: path, AUTH_ISSUER: own } = config;
  return path === undefined ? [] : readOutsideIssuers(path, own);
}

function createRoute(config: StreamConfig, issuers: readonly OutsideIssuer[], edge: RunningEdge): StreamRoute {
  const expected = { issuer: config.AUTH_ISSUER, audience: config.AUTH_AUDIENCE };
  const keys = withoutWithdrawn(remoteKeys(config.AUTH_JWKS_URL), { has: edge.isWithdrawn });
  const own = ownIssuer(keys, expected);
  return {
    edge,
    renew: edge.renew,
    verify: rememberVerified(
      createStreamVerifier(own, issuers, (uri) => remoteKeys(uri)),
      edge.tokenVerified,
    ),
    allowedOrigins: config.STREAM_ALLOWED_ORIGINS,
  };
}
