/** A reason why a program cannot do its work. Its message is for the person at the terminal and says what to do. */
export class ScriptError extends Error {
  override readonly name: string = "ScriptError";
  /** The exit code of a process that ends because of it. */
  readonly exitCode: number = 1;
}

/** A command line that asks for something that is not there. Its message names the words that are wrong. */
export class UsageError extends ScriptError {
  override readonly name = "UsageError";
  override readonly exitCode = 2;
}

/** Runs a script's work and ends the process with the exit code it answers; a ScriptError is printed, without a stack. */
export async function runScript(work: () => Promise<number>): Promise<never> {
  try {
    process.exit(await work());
  } catch (error) {
    process.stderr.write(`${error instanceof ScriptError ? error.message : (error as Error).stack}\n`);
    process.exit(error instanceof ScriptError ? error.exitCode : 1);
  }
}

/** Prints a line of progress. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
