import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { keepLogFile } from "./log-file.ts";
import { ScriptError } from "../shared/run-script.ts";

/** A server to run, and how to see that it takes work. */
export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  isReady(): Promise<boolean>;
}

/** A server as a process of its own. Disposing ends it: SIGTERM, and SIGKILL 10 s later. */
export interface ChildServer extends AsyncDisposable {
  /** Settles when the server takes work; rejects with a ScriptError when it ends before, or is not ready in 30 s. */
  readonly ready: Promise<void>;
  /** Rejects with a ScriptError, with the server's last lines, when it ends without having been asked to. */
  readonly failed: Promise<never>;
}

/** Starts a server; what it prints is appended to `<logs>/<name>.log`. */
export function startChildServer(server: ServerCommand, logs: string): ChildServer {
  const logFile = join(logs, `${server.name}.log`);
  const log = openSync(logFile, "a");
  const logStart = fstatSync(log).size;
  // A group of its own: Ctrl-C at the terminal must reach this program alone, which then stops the servers in order.
  const child = spawn(server.command, server.args, { env: server.env, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  const stopping = new AbortController();
  const exited = once(child, "exit").then(
    ([code, signal]) => `ended with ${signal ?? `code ${code}`}`,
    (error: Error) => `cannot be run (${error.message})`,
  );
  const fail = async (what: string): Promise<never> => {
    const all = await readFile(logFile);
    // It may have been set aside since.
    const printed = all
      .subarray(all.length < logStart ? 0 : logStart)
      .toString()
      .trimEnd();
    const lines = printed.split("\n").slice(-15).join("\n  ");
    throw new ScriptError(`${server.name} ${what}; the last lines of ${logFile}:\n  ${lines}`);
  };
  const failed = exited.then((how) => (stopping.signal.aborted ? new Promise<never>(() => {}) : fail(how)));
  const ready = Promise.race([
    waitUntilReady(server, stopping.signal).catch(() => fail("is not ready after 30 s")),
    failed,
  ]);
  // Several failures may follow from one; the first ends this program, the others must not do it unheard.
  failed.catch(() => {});
  ready.catch(() => {});
  return {
    ready,
    failed,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * Starts a server and starts it again whenever it ends after it was ready, so that killing one shows what the others and
 * the browsers make of it. One that does not become ready, or not for 5 s, has failed.
 */
export function keepServer(server: ServerCommand, logs: string, say: (line: string) => void): ChildServer {
  const log = keepLogFile(join(logs, `${server.name}.log`), say);
  let child = startChildServer(server, logs);
  let isStopping = false;
  const keep = async (): Promise<never> => {
    for (;;) {
      await child.ready;
      const steady = performance.now() + 5_000;
      const error = await child.failed.catch((failure: unknown) => failure);
      if (performance.now() < steady) throw error;
      if (isStopping) return new Promise(() => {});
      say(`${server.name} ended; starting it again …`);
      child = startChildServer(server, logs);
    }
  };
  const failed = keep();
  failed.catch(() => {});
  return {
    ready: child.ready,
    failed,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      log[Symbol.dispose]();
      await child[Symbol.asyncDispose]();
    },
  };
}

async function waitUntilReady(server: ServerCommand, stop: AbortSignal): Promise<void> {
  const giveUp = AbortSignal.any([stop, AbortSignal.timeout(30_000)]);
  while (!(await server.isReady())) await delay(20, undefined, { signal: giveUp });
}
