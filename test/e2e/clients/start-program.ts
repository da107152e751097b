import { once } from "node:events";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { endWithUs } from "#test/support/end-with-us.ts";
import type { Report, Target } from "./client.ts";

/** Starts a client that is a program of its own: it finds the target in its environment, and prints a report a line. */
export async function startProgram(
  command: string,
  args: readonly string[],
  { origin, path, token }: Target,
  report: (report: Report) => void,
): Promise<AsyncDisposable> {
  const child = spawn(command, args, {
    env: {
      PATH: process.env["PATH"],
      STREAM_URL: `${origin}${path}`,
      STREAM_TOKEN: token,
      // No folder of compiled modules among the sources.
      PYTHONDONTWRITEBYTECODE: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  const exited = once(child, "exit");
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => report(JSON.parse(line) as Report));
  let isStopped = false;
  child.once("exit", (code, signal) => {
    if (!isStopped) report({ failed: `it ended with ${code ?? signal}: ${complaints.trim().split("\n").at(-1)}` });
  });
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      child.kill("SIGKILL");
      await exited;
    },
  };
}
