import { setTimeout as delay } from "node:timers/promises";
import { within } from "#shared/async/within.ts";
import { BootError, trimVariables } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readFilesAgain } from "#shared/files/watch-file.ts";
import { LOG_FORMATS, type LogFormat } from "#shared/config/log-format.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { onStopSignals, type StopReason } from "./stop-signals.ts";

/** A service that runs. */
export interface RunningService extends AsyncDisposable {
  /** Takes up what has changed on disk, by SIGHUP. Without it the watched files are read again. */
  reload?(): Promise<void>;
  /** Resolves with the reason when the service ends by itself. Its supervisor starts it anew. */
  readonly ended?: Promise<string>;
}

/** For so long a service that finds a part of NATS away tries to start again: a cluster has no leader for some seconds now and then. */
const START_PATIENCE_MS = 30_000;

/** Between two of these attempts. */
const START_PAUSE_MS = 500;

/** How long a service may take to let go of everything; with it a process ends within 3 s. */
const STOP_MS = 2_500;

/**
 * Runs a service until a signal to stop, then disposes it and ends the process with 0. A service that is still starting is
 * not waited for, and one that takes longer than `stopMs` to let go is cut off: a process always ends. A second signal ends it
 * at once. A start that fails because something is `unavailable`, or did not answer in time, is tried again for 30 s. A service
 * that cannot start says why in one message and ends with 1; so does one that ends by itself, and a process with a fault that nobody
 * handled.
 */
export async function runService(
  name: string,
  start: (env: NodeJS.ProcessEnv, log: Logger) => Promise<RunningService>,
  stopMs: (env: NodeJS.ProcessEnv) => number = () => STOP_MS,
): Promise<void> {
  process.on("unhandledRejection", (error) => fail(name, error));
  const env = trimVariables(process.env);
  const log = createLogger(name, levelOf(env), formatOf(env));
  const stopping = Promise.withResolvers<StopReason>();
  let reload: RunningService["reload"];
  onStopSignals({
    onStop: stopping.resolve,
    onStopAgain(reason) {
      log.warn({ reason }, "told to stop again: the process ends at once");
      process.exit(0);
    },
    onReload: () => void takeUp(reload, log),
  });
  try {
    requireNode24();
    const starting = startPatiently(() => start(env, log), log);
    // Nobody awaits a start that fails after it was given up.
    starting.catch(() => undefined);
    const service = await Promise.race([starting, stopping.promise]);
    if (typeof service === "string") {
      log.info({ reason: service }, "told to stop while starting");
      process.exit(0);
    }
    reload = service.reload?.bind(service);
    const signalled = stopping.promise.then((reason) => ({ reason, isSignalled: true }));
    const byItself = service.ended?.then((reason) => ({ reason, isSignalled: false })) ?? signalled;
    const { reason, isSignalled } = await Promise.race([signalled, byItself]);
    log.info({ reason }, isSignalled ? "told to stop" : "the service ends, to be started anew");
    await stop(service, stopMs(env), log);
    if (!isSignalled) process.exit(1);
  } catch (error) {
    fail(name, error);
  }
  // Clients' keep-alive sockets and reconnect timers must not hold a process that has already let go of everything.
  process.exit(0);
}

/** An attempt that fails has let go of everything that it had. */
async function startPatiently(start: () => Promise<RunningService>, log: Logger): Promise<RunningService> {
  const giveUp = performance.now() + START_PATIENCE_MS;
  for (let isLogged = false; ; isLogged = true) {
    try {
      return await start();
    } catch (error) {
      if (!isAway(error) || performance.now() > giveUp) throw error;
      if (!isLogged) log.warn({ err: error }, "what a start needs is away; trying again");
      await delay(START_PAUSE_MS);
    }
  }
}

/** What is thrown where nobody answers: in time, or at all. */
const NO_ANSWER: readonly string[] = ["TimeoutError", "NoRespondersError"];

/** Whoever said nothing in time, as a cluster that has just elected its leader, may answer the next time. */
function isAway(error: unknown): error is Error {
  if (error instanceof AppError) return error.code === "unavailable";
  return error instanceof Error && NO_ANSWER.includes(error.name);
}

async function stop(service: RunningService, stopMs: number, log: Logger): Promise<void> {
  const stopped = Promise.resolve(service[Symbol.asyncDispose]());
  if (await within(stopMs, stopped)) {
    await stopped;
    log.info("stopped");
  } else log.warn({ stopMs }, "stopping took too long: what is still open is cut");
}

async function takeUp(reload: RunningService["reload"], log: Logger): Promise<void> {
  try {
    if (reload !== undefined) return await reload();
    log.info({ watches: await readFilesAgain() }, "SIGHUP: the watched files were read again");
  } catch (error) {
    log.error({ err: error }, "what has changed could not be taken up");
  }
}

/** The level is checked with the other settings; until then a wrong one must not keep the service from reporting it. */
function levelOf({ LOG_LEVEL: level = "" }: NodeJS.ProcessEnv): string {
  return /^(trace|debug|info|warn|error|fatal|silent)$/.test(level) ? level : "info";
}

function formatOf({ LOG_FORMAT: format }: NodeJS.ProcessEnv): LogFormat | undefined {
  return LOG_FORMATS.find((each) => each === format);
}

function fail(name: string, error: unknown): never {
  const isPlain = error instanceof BootError || (error instanceof AppError && isAway(error));
  const text = isPlain ? error.message : (error as Error).stack;
  process.stderr.write(`${name} cannot go on: ${text}\n`);
  process.exit(1);
}

/** Without this, a machine whose platform has no bundled Node would run on its own, older one and fail in odd places. */
function requireNode24(): void {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 24)
    throw new BootError(`Node 24 or newer is needed, this is ${process.version}; install it or run npm ci`);
}
