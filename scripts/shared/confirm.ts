import { createInterface } from "node:readline";
import type { Terminal } from "./command.ts";
import { ScriptError, UsageError } from "./run-script.ts";

/** What is asked: the name of which thing, and the option by which a script answers. */
interface Question {
  readonly of?: string;
  readonly option?: string;
}

/**
 * Has somebody type a name before something is done that cannot be undone, the tenant's where nothing else is said. A script says
 * --yes: who is asked must be able to answer.
 * @throws {ScriptError} with `otherwise` where they type something else.
 */
export async function confirm(
  name: string,
  otherwise: string,
  { stdin, warn }: Terminal,
  { of = "tenant", option = "--yes" }: Question = {},
): Promise<void> {
  if (stdin.isTTY !== true) throw new UsageError(`nobody can be asked here: add ${option}`);
  warn(`type the ${of}'s name to go on:`);
  for await (const line of createInterface({ input: stdin })) {
    if (line.trim() === name) return;
    break;
  }
  throw new ScriptError(otherwise);
}
