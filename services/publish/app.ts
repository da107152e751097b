import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import type { Registry } from "prom-client";
import { createApiServer } from "#shared/http/json-api.ts";
import { closeServer, listen } from "#shared/http/listen.ts";
import { openSockets } from "#shared/http/open-sockets.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import type { SocketBudget } from "#shared/http/socket-budget.ts";
import { closeTogether } from "#shared/lifecycle/close-together.ts";
import { type ReadinessChecks, watchReadiness } from "#shared/lifecycle/readiness.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { shareCounts } from "#shared/limits/share-counts.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { openCountStore } from "#shared/redis/open-count-store.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import type { SharedParts } from "./app/open-home.ts";
import { openHomes } from "./app/open-homes.ts";
import type { PublishConfig } from "./config.ts";
import { createPublishApi } from "./http/api.ts";
import { createPublishMetrics } from "./metrics.ts";
import { BodyRoom } from "./quotas/body-room.ts";
import { Quotas } from "./quotas/quotas.ts";
import { openSchemaPool } from "./schemas/schema-pool.ts";

/** Requests that are under way when the service ends have as long as the log may take. */
const CLOSE_GRACE_MS = 6_500;

/** Starts the publisher; disposing it ends it in the reverse order of what stands here. */
export async function startPublish(config: PublishConfig): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  const log = createLogger("publish", config.LOG_LEVEL, config.LOG_FORMAT);
  const requestLog = starting.use(limitLines(log));
  const registry = createMetricsRegistry();
  const metrics = createPublishMetrics(registry);
  const tracer = starting.use(await openTracer("publish", config, { registry, log }));
  const shared: SharedParts = {
    quotas: await openQuotas(config, starting, log),
    room: new BodyRoom(config.PUBLISH_MEMORY_BYTES),
    pool: starting.use(openSchemaPool()),
    metrics,
    registry,
    tracer,
  };
  const homes = await openHomes({ ...shared, config, log }, starting);
  const api = createPublishApi(config, { publish: homes.publish, metrics }, requestLog);
  const sockets = openSockets(["http"], { registry, log: requestLog }).http;
  const forwarded = () => homes.serveForwarded(requestLog);
  await startServers(config, starting, { registry, sockets, api, checks: homes.checks, forwarded, log });
  return starting.move();
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
