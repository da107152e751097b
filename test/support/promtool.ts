import { spawn } from "node:child_process";
import { once } from "node:events";
import { findOnPath } from "../../scripts/provision/find-on-path.ts";

/** Where promtool is; undefined where there is none. */
export const promtool = findOnPath("promtool", process.env["PATH"] ?? "");

/** Runs promtool, with `input` as its standard input; answers what it complains about, nothing where it is content. */
export async function complaintsOf(args: readonly string[], input = ""): Promise<string> {
  const child = spawn(promtool ?? "promtool", args, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [output, errors] = await Promise.all([
    new Response(child.stdout as never).text(),
    new Response(child.stderr as never).text(),
    once(child, "close"),
  ]);
  return child.exitCode === 0 ? errors.trim() : `${output}${errors}`.trim() || `exit code ${child.exitCode}`;
}
