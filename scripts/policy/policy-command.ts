import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { ScriptError } from "../shared/run-script.ts";

/** Where a command takes its settings from, and where it says what it found. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/** One of the things that `npm run policy` does. */
export interface PolicyCommand {
  /** What it does, on one line. */
  readonly summary: string;
  /** How to use it. */
  readonly usage: string;
  /** Answers the exit code. */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}

/**
 * The options and the other words of a command line.
 * @throws {ScriptError} with how to use the command, where an option is not one of these.
 */
export function parseCommandLine<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
  usage: string,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw misused((error as Error).message, usage);
  }
}

/** What is wrong with a command line, and how to use the command. */
export function misused(message: string, usage: string): ScriptError {
  return new ScriptError(`${message}\n\n${usage}`);
}
