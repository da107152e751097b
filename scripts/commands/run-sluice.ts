import { Command, type CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import type { Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import { auditCommand } from "./audit.ts";
import { backupCommand } from "./backup.ts";
import { busCommand } from "./bus.ts";
import { certificatesCommand } from "./certificates.ts";
import { clientCommand } from "./client.ts";
import { completionCommand } from "./completion.ts";
import { composeCommand } from "./compose.ts";
import { configCommand } from "./config.ts";
import { connectionsCommand } from "./connections.ts";
import { demoCommand } from "./demo.ts";
import { disconnectCommand } from "./disconnect.ts";
import { doctorCommand } from "./doctor.ts";
import { encodeCommand } from "./encode.ts";
import { eraseCommand } from "./erase.ts";
import { eventsCommand } from "./events.ts";
import { explainCommand } from "./explain.ts";
import { healthCommand } from "./health.ts";
import { hashPasswordCommand } from "./hash-password.ts";
import { keysCommand } from "./keys.ts";
import { publishCommand } from "./publish.ts";
import { nodesCommand } from "./nodes.ts";
import { poisonCommand } from "./poison.ts";
import { policyCommand } from "./policy.ts";
import { regionCommand } from "./region.ts";
import { replayCommand } from "./replay.ts";
import { restoreCommand } from "./restore.ts";
import { sessionCommand } from "./session.ts";
import { startCommand } from "./start.ts";
import { streamCommand } from "./stream.ts";
import { subscriptionCommand } from "./subscription.ts";
import { tailCommand } from "./tail.ts";
import { tenantCommand } from "./tenant.ts";
import { tokenCommand } from "./token.ts";

/** Every command, in the order of the help. A new one is a file beside these and a line here. */
const COMMANDS = [
  startCommand,
  composeCommand,
  healthCommand,
  publishCommand,
  tailCommand,
  eventsCommand,
  explainCommand,
  streamCommand,
  doctorCommand,
  replayCommand,
  connectionsCommand,
  disconnectCommand,
  nodesCommand,
  subscriptionCommand,
  demoCommand,
  policyCommand,
  tenantCommand,
  sessionCommand,
  clientCommand,
  busCommand,
  regionCommand,
  keysCommand,
  auditCommand,
  eraseCommand,
  poisonCommand,
  configCommand,
  backupCommand,
  restoreCommand,
  certificatesCommand,
  tokenCommand,
  hashPasswordCommand,
  encodeCommand,
];

const DESCRIPTION = `Operates Sluice. Settings come from environment variables; without any, a command works on the demo that npm start runs.`;

/** How a process that was stopped by the help or the version ends: neither is a failure. */
const SHOWN = new Set(["commander.help", "commander.helpDisplayed", "commander.version"]);

/** What the process has of a terminal; the rest is made of it. */
type ProcessTerminal = Omit<Terminal, "endWith" | "print">;

/** Does what the command line says and answers the exit code: 0, 1 for work that failed, 2 for a command line that is wrong. */
export async function runSluice(args: readonly string[], terminal: ProcessTerminal): Promise<number> {
  let exitCode = 0;
  const sluice = createSluice({ ...terminal, endWith: (code) => void (exitCode = code) });
  const words = rewriteHelp(sluice, args);
  try {
    await sluice.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (isCommanderError(error) && SHOWN.has(error.code)) return 0;
    return reportFailure(error, commandsOf(sluice, words).at(-1) ?? sluice, terminal);
  }
}

/** Makes the command with all below it. */
export function createSluice(given: Omit<Terminal, "print">): Command {
  let isJson = false;
  const sluice = new Command("sluice")
    .description(DESCRIPTION)
    .version(manifest.version, "-V, --version", "print the version")
    .enablePositionalOptions()
    .hook("preAction", (_, command) => void (isJson = command.opts()["json"] === true))
    .addHelpText("after", "\nsluice help <command> tells more about a command.");
  const terminal: Terminal = {
    ...given,
    say: (line) => (isJson ? given.warn(line) : given.say(line)),
    print(result, text) {
      if (isJson) given.say(JSON.stringify(result));
      else if (typeof text === "string") given.say(text);
      else text();
    },
  };
  for (const create of COMMANDS) sluice.addCommand(create(terminal));
  sluice.addCommand(completionCommand(terminal, () => sluice));
  settle(sluice, given);
  return sluice;
}

/** What holds for every command: it writes to the terminal, and never ends the process by itself. */
function settle(command: Command, terminal: ProcessTerminal): void {
  command
    .exitOverride()
    .helpOption("-h, --help", "print this help")
    .configureOutput({
      writeOut: (text) => terminal.say(text.trimEnd()),
      writeErr: (text) => terminal.say(text.trimEnd()),
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    });
  if (command.commands.length > 0) command.helpCommand(false).enablePositionalOptions();
  for (const each of command.commands) settle(each, terminal);
}

/** `help policy lint` asks the same as `policy lint --help`; of words that name no command, the first is the command line. */
function rewriteHelp(sluice: Command, args: readonly string[]): string[] {
  const [first, ...rest] = args;
  const names = first === "help" ? rest : args;
  if (first !== "help" && !args.some((word) => word === "--help" || word === "-h")) return [...args];
  const path = commandsOf(sluice, names);
  const next = names[path.length];
  const isUnknown = (path.at(-1) ?? sluice).commands.length > 0 && next !== undefined && !next.startsWith("-");
  if (isUnknown) return names.slice(0, path.length + 1);
  return first === "help" ? [...names.slice(0, path.length), "--help"] : [...args];
}

/** The commands that the first words name, one below the other. */
function commandsOf(sluice: Command, words: readonly string[]): Command[] {
  const path: Command[] = [];
  for (const word of words) {
    const next = (path.at(-1) ?? sluice).commands.find((each) => each.name() === word);
    if (next === undefined) break;
    path.push(next);
  }
  return path;
}

function reportFailure(error: unknown, command: Command, { warn }: Pick<Terminal, "warn">): number {
  const name = nameOf(command);
  if (isCommanderError(error) || error instanceof UsageError) {
    const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
    warn(`${name}: ${message}; ${name} --help says how to use it`);
    return 2;
  }
  warn(isBug(error) ? String((error as Error).stack) : `${name}: ${(error as Error).message}`);
  return 1;
}

/** Errors of the system and of NATS say by their message what is wrong; a stack helps only with faults of our own. */
function isBug(error: unknown): boolean {
  return !(error instanceof Error) || [TypeError, RangeError, ReferenceError].some((Bug) => error instanceof Bug);
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
