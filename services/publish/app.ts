import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Hono } from "hono";
import type { Registry } from "prom-client";
import { RetryBudget } from "#shared/async/retry-budget.ts";
import { createSessionRights } from "#shared/clients/session-rights.ts";
import { openGrpcSecurity } from "#shared/grpc/grpc-security.ts";
import { traceGrpc } from "#shared/grpc/trace-calls.ts";
import { createApiServer } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { openSockets } from "#shared/http/open-sockets.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { closeTogether } from "#shared/lifecycle/close-together.ts";
import { type ReadinessChecks, watchReadiness } from "#shared/lifecycle/readiness.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { shareCounts } from "#shared/limits/share-counts.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createLogCheck } from "#shared/nats/check-log.ts";
import { connectNats, drainNats } from "#shared/nats/connect-nats.ts";
import { openCountStore } from "#shared/redis/open-count-store.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import type { Tracer } from "#shared/trace/tracer.ts";
import { openTokenVerifier, type TokenVerifier } from "#shared/tokens/token-verifier.ts";
import { createEventLog } from "./bus/event-log.ts";
import { serveForwarded } from "./bus/serve-forwarded.ts";
import { createPublishingRights } from "./clients/publishing-rights.ts";
import type { PublishConfig } from "./config.ts";
import { createPublishApi } from "./http/api.ts";
import { createPublishMetrics, type PublishMetrics } from "./metrics.ts";
import { type PublishDeps, publishEvents } from "./publish-events.ts";
import { BodyRoom } from "./quotas/body-room.ts";
import { Quotas } from "./quotas/quotas.ts";
import { createSchemaCheck } from "./schemas/check-schemas.ts";
import { followSchemas } from "./schemas/follow-schemas.ts";
import { openSchemaPool } from "./schemas/schema-pool.ts";

/** Requests that are under way when the service ends have as long as the log may take. */
const CLOSE_GRACE_MS = 6_500;

/** An edge that forwards waits ten seconds for all that there is to do. */
const STORE_MS = 2_500;

/** The user of the bus can write events, and ask JetStream nothing. */
const WRITES_ONLY = { asksJetStream: false };

/** Starts the publisher; disposing it ends it in the reverse order of what stands here. */
export async function startPublish(config: PublishConfig): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("publish", config.LOG_LEVEL, config.LOG_FORMAT);
  const requestLog = starting.use(limitLines(log));
  const registry = createMetricsRegistry();
  const metrics = createPublishMetrics(registry);
  const tracer = starting.use(await openTracer("publish", config, { registry, log }));
  const nats = starting.adopt(await connectNats(config, "publish", log, WRITES_ONLY), drainNats);
  const verifier = starting.use(await openVerifier(config, registry, log));
  const shared = { nats, verifier, metrics, registry, tracer, log };
  const deps = await openWay(config, starting, shared);
  const publish = (request: Parameters<typeof publishEvents>[1]) => publishEvents(deps, request);
  const api = createPublishApi(config, { publish, metrics }, requestLog);
  const checks = { ...verifier.checks, log_unusable: createLogCheck(nats, WRITES_ONLY) };
  const sockets = openSockets(["http"], { registry, log: requestLog }).http;
  const forwarded = () => serveForwarded({ nats, publish, metrics, log: requestLog });
  await startServers(config, starting, { registry, sockets, api, checks, forwarded, log });
  return starting.move();
}

/** Which keys are withdrawn is auth's to say, with each session: the bus tells this service nothing. */
function openVerifier(config: PublishConfig, registry: Registry, log: Logger): Promise<TokenVerifier> {
  const time = { authTime: { isKnown: true, now: () => clock.wall() }, askTime: async () => undefined };
  return openTokenVerifier(config, { withdrawn: { has: () => false }, time, log, registry });
}

interface WayParts {
  readonly nats: NatsConnection;
  readonly verifier: TokenVerifier;
  readonly metrics: PublishMetrics;
  readonly registry: Registry;
  readonly tracer: Tracer;
  readonly log: Logger;
}

/** Opens all that the way of an event takes. */
async function openWay(
  config: PublishConfig,
  starting: AsyncDisposableStack,
  { nats, verifier, metrics, registry, tracer, log }: WayParts,
): Promise<PublishDeps> {
  const security = starting.use(traceGrpc(await openGrpcSecurity(config, "publish.sluice", log), tracer));
  const auth = security.channelTo("auth.sluice");
  const sessions = starting.use(createSessionRights(config.AUTH_GRPC_URL, auth));
  const rights = starting.use(createPublishingRights(config.POLICY_GRPC_URL, security.channelTo("policy.sluice")));
  const pool = starting.use(openSchemaPool());
  const schemas = starting.use(await followSchemas(config.PUBLISH_SCHEMAS_DIR, { pool, registry, log }));
  return {
    verify: verifier.verify,
    cookies: createTokenCookies(config),
    allowedOrigins: config.PUBLISH_ALLOWED_ORIGINS,
    sessions,
    askRights: rights.ask,
    checkSchemas: createSchemaCheck(schemas.find, pool),
    quotas: await openQuotas(config, starting, log),
    room: new BodyRoom(config.PUBLISH_MEMORY_BYTES),
    log: createEventLog({ nats, retries: new RetryBudget(), timeoutMs: STORE_MS, now: () => clock.monotonic() }),
    limits: { maxEvents: config.PUBLISH_BATCH_MAX_EVENTS, maxEventBytes: config.PUBLISH_EVENT_MAX_BYTES },
    metrics,
    tracer,
    wall: () => clock.wall(),
  };
}

/** Counts together with the other publishers. */
async function openQuotas(config: PublishConfig, starting: AsyncDisposableStack, log: Logger): Promise<Quotas> {
  const counts = new SharedCounts(config.PUBLISH_LIMITS_SHARED_BY);
  const workerId = randomBytes(6).toString("hex");
  const store = await openCountStore(config, { service: "publish", workerId }, starting, log);
  starting.use(shareCounts(counts, store, log));
  return new Quotas(counts, {
    requestsPerAddressPerMinute: config.PUBLISH_REQUESTS_PER_ADDRESS_PER_MINUTE,
    eventsPerSubjectPerMinute: config.PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE,
    eventsPerTenantPerSecond: config.PUBLISH_EVENTS_PER_TENANT_PER_SECOND,
    wall: () => clock.wall(),
  });
}

interface ServerDeps {
  readonly registry: Registry;
  readonly sockets: SocketBudget;
  readonly api: Hono;
  readonly checks: ReadinessChecks;
  readonly forwarded: () => AsyncDisposable;
  readonly log: Logger;
}

/** Opens the ports and the bus's subject; the publisher is ready once all of them are. */
async function startServers(
  config: PublishConfig,
  starting: AsyncDisposableStack,
  { registry, sockets, api, checks, forwarded, log }: ServerDeps,
): Promise<void> {
  type Setting = "PUBLISH_OPS_PORT" | "PUBLISH_HTTP_PORT";
  const at = (setting: Setting, host: string) => ({ host, port: config[setting], setting });
  let isReady = false;
  const { reasons } = starting.use(watchReadiness(checks, log, { isServing: () => isReady }));
  const opsAddress = {
    ...at("PUBLISH_OPS_PORT", config.PUBLISH_OPS_BIND_ADDRESS),
    hosts: config.PUBLISH_OPS_ALLOWED_HOSTS,
  };
  const ops = starting.use(
    await startOpsServer(opsAddress, { service: "publish", config, metrics: registry, reasons }),
  );
  const closeWithOthers = closeTogether(starting, CLOSE_GRACE_MS + 200);
  const forwarding = forwarded();
  closeWithOthers(async () => forwarding[Symbol.asyncDispose]());
  const server = createApiServer(api, sockets);
  const http = await listen(server, at("PUBLISH_HTTP_PORT", config.PUBLISH_BIND_ADDRESS));
  closeWithOthers(() => closeServer(server, CLOSE_GRACE_MS));
  starting.defer(() => void (isReady = false));
  isReady = true;
  log.info({ version: VERSION, http, ops: ops.port }, "ready");
}
