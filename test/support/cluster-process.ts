import { readFile } from "node:fs/promises";
import type { Child } from "./child.ts";
import { freeze } from "./freeze.ts";
import { waitFor } from "./wait.ts";

/** A process of a cluster, by its name. Whatever is done to it may be done again, and in any order. */
export interface ClusterProcess {
  readonly name: string;
  /** What it has printed, over all its starts; nothing of Redis and its Sentinel. */
  output(): string;
  /** 0 while it is not running. */
  readonly pid: number;
  /** Ends it by SIGKILL, with the processes that it has started, and answers once it is gone. */
  kill(): Promise<void>;
  /** Tells it to end, and answers once it is gone; a broker ends in lame-duck mode on SIGUSR2. */
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it where it stands, with the processes that it has started. */
  stop(): Promise<void>;
  /** Lets it go on. */
  cont(): Promise<void>;
  /** Starts it, on its own ports and data; ends it in good order before, where it runs. Answers once it takes work. */
  restart(): Promise<void>;
}

/** A server that is started again where it was. */
export interface Restartable {
  readonly pid: number;
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
  output?(): string;
}

/** Gives a server that runs its name. */
export function nameProcess(name: string, server: Restartable): ClusterProcess {
  let isRunning = true;
  const pids = async (): Promise<number[]> => (isRunning ? treeOf(server.pid) : []);
  const cont = async (): Promise<void> => {
    for (const pid of await pids()) tryKill(pid, "SIGCONT");
  };
  const end = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    if (!isRunning) return;
    await cont();
    await server.stop(signal);
    isRunning = false;
  };
  return {
    name,
    output: () => server.output?.() ?? "",
    get pid() {
      return isRunning ? server.pid : 0;
    },
    async kill() {
      for (const pid of await pids()) tryKill(pid, "SIGKILL");
      await end("SIGKILL");
    },
    end,
    stop: async () => {
      for (const pid of await pids()) await freeze({ pid });
    },
    cont,
    async restart() {
      await end();
      await server.start();
      isRunning = true;
    },
  };
}

/** A broker that is started again takes work once it follows the others. */
export function untilHealthy(
  name: string,
  broker: Restartable & { readonly output: () => string; readonly isHealthy: () => Promise<boolean> },
): Restartable {
  return {
    get pid() {
      return broker.pid;
    },
    output: () => broker.output(),
    stop: (signal) => broker.stop(signal),
    async start() {
      await broker.start();
      await waitFor(`${name} follows`, () => broker.isHealthy(), 60_000);
    },
  };
}

/**
 * Starts what is a process of its own each time, the first time where it does not run already, and makes it one that is
 * started again; disposing ends it.
 */
export async function startRestartable(
  start: () => Promise<{ readonly child: Child }>,
  running?: { readonly child: Child },
): Promise<Restartable & AsyncDisposable> {
  let { child } = running ?? (await start());
  const started = [child];
  return {
    output: () => started.map((each) => each.output()).join(""),
    get pid() {
      return child.process.pid ?? 0;
    },
    async start() {
      ({ child } = await start());
      started.push(child);
    },
    stop: async (signal) => void (await child.end(signal)),
    [Symbol.asyncDispose]: async () => void (await child.end("SIGKILL")),
  };
}

/** A process and those that it has started, itself first. */
async function treeOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const children = text.trim() === "" ? [] : text.trim().split(" ").map(Number);
  return [pid, ...(await Promise.all(children.map(treeOf))).flat()];
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
