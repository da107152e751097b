/** A reason why a script cannot do its work. Its message is for the person at the terminal and says what to do. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

/** Runs a script's work and ends the process with the exit code it answers; a ScriptError is printed, without a stack. */
export async function runScript(work: () => Promise<number>): Promise<never> {
  try {
    process.exit(await work());
  } catch (error) {
    process.stderr.write(`${error instanceof ScriptError ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  }
}

/** Prints a line of progress. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
