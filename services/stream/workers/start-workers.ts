import { gaugeWhenRead } from "#shared/metrics/counted-when-read.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { setTimeout as delay } from "node:timers/promises";
import { Counter, Registry } from "prom-client";
import type { ListenAddress } from "#shared/http/listen.ts";
import { type OpsAddress, startOpsServer } from "#shared/http/ops-server.ts";
import { isInTheWay, NOT_SERVING, type ReadinessReason } from "#shared/lifecycle/readiness.ts";
import type { RunningService } from "#shared/lifecycle/run-service.ts";
import type { CountedMetric } from "#shared/metrics/format-metrics.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { systemClock } from "#shared/time/clock.ts";
import type { StreamConfig } from "../config.ts";
import { claimPort } from "../http/claim-port.ts";
import { WorkerPool } from "./worker-pool.ts";
import { MetricsSum } from "./metrics-sum.ts";
import { shareSettings } from "./share-settings.ts";
import { WorkerProcess } from "./worker-process.ts";

/** How long a worker may take after its drain: the last requests, the bus, the other services. */
const CLOSE_MS = 5_000;

type Workers = WorkerPool<WorkerProcess>;

/** Where the process listens. */
export interface WorkersAddress {
  readonly http: ListenAddress;
  readonly ops: OpsAddress;
}

/**
 * Starts the workers, all on one port, and serves the operations port for all of them. The workers get `env`, with
 * their share of the process's limits. Disposing it ends all streams in good order, and the workers; a reload replaces one
 * after the other.
 *
 * The kernel deals connections out to the workers' sockets (SO_REUSEPORT). Of 6 000 handshakes over two workers each got
 * 48.6 to 51.4 %, for 160 to 220 µs of CPU each and up to 4 200 a second. The cluster module's turns (the primary accepts
 * and passes sockets on) spread as evenly for 340 to 420 µs and up to 2 700 a second, a third of it spent by the one primary;
 * with a socket that all workers accept from (its other way), one worker got 59 %.
 */
export async function startWorkers(
  config: StreamConfig,
  env: NodeJS.ProcessEnv,
  address: WorkersAddress,
  log: Logger,
): Promise<RunningService> {
  await using stack = new AsyncDisposableStack();
  const http = await claimPort(address.http);
  const sum = new MetricsSum();
  const figures = new Registry();
  const deaths = new Counter({
    name: "sluice_stream_worker_deaths_total",
    help: "Workers that ended without having been asked to, and were started again",
    registers: [figures],
  });
  const pool = new WorkerPool({
    size: config.STREAM_WORKERS,
    start: (index) => new WorkerProcess(index, shareSettings(env, config, index, http)),
    onDeath: () => deaths.inc(),
    onGone: (worker) => sum.keep(worker),
    graceMs: config.STREAM_DRAIN_MS + CLOSE_MS,
    now: () => systemClock.monotonic(),
    wait: (ms, signal) => delay(ms, undefined, { signal }),
    log,
  });
  countWorkers(figures, pool);
  const metrics = { getMetricsAsJSON: () => addUp(pool, sum, figures) };
  const pages = { "/debug/connections": () => describeAll(pool) };
  const ops = stack.use(
    await startOpsServer(address.ops, { service: "stream", config, metrics, reasons: () => reasonsOf(pool), pages }),
  );
  stack.use(pool);
  await pool.start();
  log.info({ version: VERSION, http, grpc: 0, ops: ops.port, workers: config.STREAM_WORKERS }, "ready");
  const running = stack.move();
  return { reload: () => pool.rollingRestart(), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function countWorkers(registry: Registry, pool: Workers): void {
  const workers = { name: "sluice_stream_workers", help: "Workers that run" };
  gaugeWhenRead(registry, workers, (gauge) => gauge.set([...pool.serving].length));
}

async function addUp(pool: Workers, sum: MetricsSum, own: Registry): Promise<CountedMetric[]> {
  await Promise.all(
    [...pool.serving].map(async (worker) => {
      const metrics = await worker.ask("metrics");
      if (metrics !== undefined) sum.update(worker, metrics);
    }),
  );
  return sum.with(await own.getMetricsAsJSON());
}

/** Nothing while at least one worker takes new streams: the kernel gives a dead one's connections to the others. */
async function reasonsOf(pool: Workers): Promise<readonly ReadinessReason[]> {
  if (pool.isStopping) return [NOT_SERVING];
  const answers = await Promise.all([...pool.serving].map((worker) => worker.ask("reasons")));
  const known = answers.filter((reasons) => reasons !== undefined);
  const ready = known.filter((reasons) => !reasons.some(isInTheWay));
  return ready.find(({ length }) => length === 0) ?? ready[0] ?? known[0] ?? [NOT_SERVING];
}

async function describeAll(pool: Workers): Promise<object[]> {
  const answers = await Promise.all([...pool.serving].map((worker) => worker.ask("connections")));
  return answers.flatMap((connections) => connections ?? []);
}
