import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { endWithUs } from "./end-with-us.ts";

/** A child process of a test: what it printed, and its end. */
export interface Child {
  readonly process: ChildProcess;
  /** Everything it wrote to stdout and stderr so far. */
  output(): string;
  /** Sends the signal and answers the exit code once the process is gone (null when a signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Whether a process of that id runs. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Starts a program; its output is kept for error messages. It ends with this process at the latest. */
export function startChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(command, args, { env: { PATH, NODE_COMPILE_CACHE, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  endWithUs(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.on("error", (error) => (output += `${error.message}\n`));
  return {
    process: child,
    output: () => output,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}
