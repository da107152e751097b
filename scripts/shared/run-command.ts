import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { ScriptError } from "./run-script.ts";

/** How a command ended, and what it printed. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, in English whatever the locale; a program that cannot be started has the code null. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const child = spawn(command, args, {
    ...options,
    env: { ...process.env, ...options.env, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close").catch((error: Error) => [null, error.message] as const);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: code as number | null, stdout, stderr };
}

/**
 * Runs a command that must succeed and answers its stdout.
 * @throws {ScriptError} with the last lines it printed.
 */
export async function requireCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code === 0) return stdout;
  const said = (stderr.trim() || stdout.trim()).split("\n").slice(-20).join("\n  ");
  throw new ScriptError(`${[command, ...args].join(" ").slice(0, 120)} failed:\n  ${said}`);
}
