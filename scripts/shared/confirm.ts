import { createInterface } from "node:readline";
import type { Terminal } from "./command.ts";
import { ScriptError, UsageError } from "./run-script.ts";

/**
 * Has somebody type the tenant's name before something is done that cannot be undone. A script says --yes: who is asked must be
 * able to answer.
 * @throws {ScriptError} with `otherwise` where they type something else.
 */
export async function confirm(tenant: string, otherwise: string, { stdin, warn }: Terminal): Promise<void> {
  if (stdin.isTTY !== true) throw new UsageError("nobody can be asked here: add --yes");
  warn(`type the tenant's name to go on:`);
  for await (const line of createInterface({ input: stdin })) {
    if (line.trim() === tenant) return;
    break;
  }
  throw new ScriptError(otherwise);
}
