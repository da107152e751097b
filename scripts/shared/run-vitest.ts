import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs tests with the project's configuration and answers the exit code. A signal to stop is passed on and waited for. */
export async function runVitest(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const vitest = resolve("node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", "test/vitest.config.ts", ...args], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  // The runner ends its workers by itself when it is told to stop.
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  const [code] = await once(child, "exit");
  for (const signal of SIGNALS) process.off(signal, passOn);
  return (code as number | null) ?? 1;
}
