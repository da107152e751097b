import { ScriptError } from "../shared/run-script.ts";
import { applyCommand } from "./apply-command.ts";
import { diffCommand } from "./diff-command.ts";
import { explainCommand } from "./explain-command.ts";
import { lintCommand } from "./lint-command.ts";
import { exportCommand, importCommand } from "./move-commands.ts";
import type { PolicyCommand, Terminal } from "./policy-command.ts";
import { schemaCommand } from "./schema-command.ts";
import { testCommand } from "./test-command.ts";

const COMMANDS: ReadonlyMap<string, PolicyCommand> = new Map([
  ["lint", lintCommand],
  ["test", testCommand],
  ["diff", diffCommand],
  ["explain", explainCommand],
  ["apply", applyCommand],
  ["export", exportCommand],
  ["import", importCommand],
  ["schema", schemaCommand],
]);

/** How to use all of it. */
const USAGE = [
  "usage: npm run policy -- <command> …",
  "",
  ...Array.from(COMMANDS, ([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`),
  "",
  "npm run policy -- <command> --help says more.",
].join("\n");

/**
 * Does what the command line says and answers the exit code.
 * @throws {ScriptError} with what is wrong.
 */
export async function runPolicyCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = "--help", ...rest] = args;
  const command = COMMANDS.get(name);
  if (command === undefined && !isHelp(name)) throw new ScriptError(`there is no command ${name}\n\n${USAGE}`);
  if (command === undefined || rest.some(isHelp)) {
    terminal.say(command?.usage ?? USAGE);
    return 0;
  }
  return command.run(rest, terminal);
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}
