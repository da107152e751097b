import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";

/**
 * Runs a program on this terminal and answers its exit code, 128 + n when signal n ended it; rejects where it cannot be run. The terminal
 * sends Ctrl-C to the program too, which then stops what it has started: it is waited for.
 */
export async function runInTerminal(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const child = spawn(command, args, { ...options, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void child.kill(signal));
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? "SIGTERM"];
}
