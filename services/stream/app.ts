import { randomBytes } from "node:crypto";
import { closeServer, type ListenAddress } from "#shared/http/listen.ts";
import { openSockets } from "#shared/http/open-sockets.ts";
import { startOpsServer } from "#shared/http/ops-server.ts";
import { watchReadiness } from "#shared/lifecycle/readiness.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { openTracer } from "#shared/trace/open-tracer.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { EdgeParts } from "./app/edge-parts.ts";
import { openHomes } from "./app/open-homes.ts";
import { startWebhooks } from "./app/start-webhooks.ts";
import type { StreamConfig } from "./config.ts";
import { drain } from "./connections/end-streams.ts";
import { createEdgeServer } from "./http/edge-server.ts";
import { listenOn } from "./http/listen-on.ts";
import { maxStreamsOf } from "./http/max-streams.ts";
import { checkKernel } from "./sse/check-kernel.ts";
import { answerPrimary } from "./workers/answer-primary.ts";
import type { Operations } from "./workers/operations.ts";
import { startWorkers } from "./workers/start-workers.ts";

const [now, wall] = [(): number => systemClock.monotonic(), (): number => systemClock.wall()];

/**
 * Starts the edge, in this process or in workers that get `env`. Disposing it ends every stream in good order, then closes
 * the connections to the bus and the other services.
 */
export async function startStream(config: StreamConfig, env: NodeJS.ProcessEnv): Promise<RunningService> {
  const log = createLogger("stream", config.LOG_LEVEL, config.LOG_FORMAT);
  const ops = {
    host: config.STREAM_OPS_BIND_ADDRESS,
    port: config.STREAM_OPS_PORT,
    setting: "STREAM_OPS_PORT",
    hosts: config.STREAM_OPS_ALLOWED_HOSTS,
  };
  if (config.STREAM_ROLE === "webhooks") return startWebhooks(config, ops, log, { now, wall });
  if (config.STREAM_WORKERS > 1) {
    return startWorkers(config, env, { http: addressOf(config), ops }, log);
  }
  return startServing(config, log, false, async ({ registry, reasons, connections }, http) => {
    const pages = { "/debug/connections": connections };
    const server = await startOpsServer(ops, { service: "stream", config, metrics: registry, reasons, pages });
    log.info({ version: VERSION, http, grpc: 0, ops: server.port }, "ready");
    return server;
  });
}

/** Starts one of the workers that share a port. The primary passes it the questions of operators. */
export async function startWorker(config: StreamConfig): Promise<AsyncDisposable> {
  return startServing(config, createLogger("stream", config.LOG_LEVEL, config.LOG_FORMAT), true, answerPrimary);
}

/** Reports that the edge is ready on port `http`, and answers operators' questions from then on. */
type ReportTo = (operations: Operations, http: number) => Disposable | Promise<AsyncDisposable>;

async function startServing(
  config: StreamConfig,
  processLog: Logger,
  isShared: boolean,
  reportTo: ReportTo,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const workerId = randomBytes(6).toString("hex");
  const log = processLog.child({ "service.instance.id": workerId });
  await checkKernel(log);
  const registry = createMetricsRegistry();
  const tracer = stack.use(await openTracer("stream", config, { registry, log, instanceId: workerId }));
  const requestLog = stack.use(limitLines(log));
  const sockets = openSockets(["http"], { registry, log: requestLog }).http;
  const settings = { ...config, STREAM_MAX_CONNECTIONS: maxStreamsOf(config, sockets, log) };
  const parts: EdgeParts = { config: settings, registry, log, requestLog, tracer, workerId, now, wall };
  const homes = await openHomes(parts, stack);
  const { own, doorOf, connections } = homes;
  const { admission } = own.edge;
  const speaksProxy = config.STREAM_PROXY_PROTOCOL === "v2";
  const server = createEdgeServer({ own: own.door, doorOf, speaksProxy, sockets });
  const listener = await listenOn(server, { ...addressOf(config), isShared });
  stack.defer(() => closeServer(server, 1_000));
  stack.defer(() => listener.close());
  const checks = { ...own.checks, ...(doorOf && { home_unusable: homes.fault }) };
  const { reasons } = stack.use(watchReadiness(checks, log, { isServing: () => !admission.isDraining }));
  stack.use(await reportTo({ registry, reasons, connections }, listener.port));
  stack.defer(() => drain(admission, homes, config.STREAM_DRAIN_MS));
  // The other workers on this port take the clients that come while this one drains.
  if (isShared) stack.defer(() => listener.close());
  return stack.move();
}

function addressOf({ STREAM_BIND_ADDRESS: host, STREAM_HTTP_PORT: port }: StreamConfig): ListenAddress {
  return { host, port, setting: "STREAM_HTTP_PORT" };
}
