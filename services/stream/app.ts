import { randomBytes } from "node:crypto";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { remoteKeys, verifyAccessToken } from "#shared/contract/verify-access-token.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { connectNats } from "#shared/nats/connect-nats.ts";
import { systemClock } from "#shared/time/clock.ts";
import { Admission } from "./admission/admission.ts";
import { limitConcurrency } from "./admission/limit-concurrency.ts";
import { doubtSession } from "./audience/apply-control.ts";
import { startHeartbeat } from "./audience/heartbeat.ts";
import { Hub, type OpenTenant } from "./audience/hub.ts";
import { Tenant } from "./audience/tenant.ts";
import { ClockGuard } from "./authorization/clock-guard.ts";
import { openFeed } from "./bus/feed.ts";
import { createHistory } from "./bus/history.ts";
import type { StreamConfig } from "./config.ts";
import { deliver, reopen } from "./deliver.ts";
import { describeConnections } from "./describe-connections.ts";
import { drain } from "./drain.ts";
import { GrpcDecider } from "./grpc/decider.ts";
import { GrpcSessionChecker } from "./grpc/session-checker.ts";
import { loadDemoPage } from "./http/demo-page.ts";
import { createEdgeServer } from "./http/edge-server.ts";
import { TailBudget } from "./log/tail.ts";
import { createStreamMetrics } from "./metrics.ts";
import type { Edge } from "./open-stream.ts";

/** Reads of history under way at a time: more of them only wait for each other inside JetStream. */
const MAX_HISTORY_READS = 32;

/** Starts the edge; disposing it drains every stream. */
export async function startStream(config: StreamConfig): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const log = createLogger("stream", config.LOG_LEVEL);
  const registry = createMetricsRegistry();
  const admission = new Admission(config.STREAM_MAX_CONNECTIONS);
  const metrics = createStreamMetrics(registry, admission);

  const nats = await connectNats(config.NATS_URL, "stream", log);
  stack.defer(() => nats.drain());
  const jsm = await jetstreamManager(nats);
  const sessions = stack.use(new GrpcSessionChecker(config.AUTH_GRPC_URL));
  const decider = stack.use(new GrpcDecider(config.POLICY_GRPC_URL));

  const guard = new ClockGuard(systemClock, () => doubtEverySession());
  const now = (): number => guard.now();
  const verifying = { sessions, now };
  const tailBudget = new TailBudget(config.STREAM_TAIL_BYTES);

  const openTenant = async (id: string): Promise<OpenTenant> => {
    const history = createHistory(jsm, id, config.STREAM_EVENT_MAX_BYTES);
    const tenant = new Tenant(id, history, { decider, tailBudget, now, flushMs: config.STREAM_FLUSH_MS });
    const feed = await openFeed(
      id,
      {
        onOpen: (opening) => reopen(tenant, opening, verifying),
        onEntry: (entry) => {
          if (entry.kind === "poison") metrics.poison(entry.reason);
          deliver(tenant, entry, verifying);
        },
        onBeat: () => tenant.heard(),
      },
      {
        nats,
        js: jetstream(nats),
        jsm,
        maxEventBytes: config.STREAM_EVENT_MAX_BYTES,
        log,
        onDisturbed: metrics.feedDisturbed,
      },
    );
    return {
      tenant,
      async [Symbol.asyncDispose]() {
        await feed[Symbol.asyncDispose]();
        tenant[Symbol.dispose]();
      },
    };
  };
  const hub = stack.use(new Hub(openTenant));
  const doubtEverySession = (): void => {
    log.warn("the clock jumped: every session is asked for again");
    for (const { tenant, reader } of hub.streams()) doubtSession(tenant, reader.listing, verifying);
  };
  stack.use(startHeartbeat(hub, { ...verifying, wall: systemClock.wall }));

  const workerId = randomBytes(6)
    .toString("base64url")
    .replaceAll(/[^A-Za-z0-9]/g, "0");
  const edge: Edge = {
    ...verifying,
    wall: systemClock.wall,
    admission,
    hub,
    handshakeMs: config.STREAM_HANDSHAKE_MS,
    newConnectionId: () => `${workerId}-${randomBytes(12).toString("base64url")}`,
    limitHistory: limitConcurrency(MAX_HISTORY_READS),
    onDelivered: metrics.delivered,
    onNotice: metrics.notice,
    onFault: (error) => log.error({ err: error }, "a stream failed in an unexpected way"),
  };
  const keys = remoteKeys(config.AUTH_JWKS_URL);
  const expected = { issuer: config.AUTH_ISSUER, audience: config.AUTH_AUDIENCE };
  const server = createEdgeServer({
    allowedOrigins: config.STREAM_ALLOWED_ORIGINS,
    demo:
      config.SLUICE_DEMO === "1"
        ? await loadDemoPage({ auth: config.AUTH_HTTP_PORT, policy: config.POLICY_HTTP_PORT })
        : undefined,
    route: {
      edge,
      verify: (token) => verifyAccessToken(token, keys, expected),
      allowedOrigins: config.STREAM_ALLOWED_ORIGINS,
      onHandshake: metrics.handshake,
      onFault: edge.onFault,
    },
  });
  const at = (port: number, setting: string) => ({ host: config.STREAM_BIND_ADDRESS, port, setting });
  const http = await listen(server, at(config.STREAM_HTTP_PORT, "STREAM_HTTP_PORT"));
  stack.defer(() => closeServer(server, 1_000));
  const ops = stack.use(
    await startOpsServer(
      at(config.STREAM_OPS_PORT, "STREAM_OPS_PORT"),
      registry,
      () => !admission.isDraining && !nats.isClosed(),
      {
        "/debug/connections": () => describeConnections(hub, edge),
      },
    ),
  );
  stack.defer(() => drain(server, admission, hub, config.STREAM_DRAIN_MS));
  log.info({ http, grpc: 0, ops: ops.port }, "ready");
  return stack.move();
}
