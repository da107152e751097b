import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { ScriptError } from "../../scripts/shared/run-script.ts";

const MAX_SEED = 2 ** 31 - 1;

/**
 * Reads the options of a run.
 * @throws {ScriptError} with the usage, where there is one that nobody knows.
 */
export function readOptions<const Options extends ParseArgsOptionsConfig>(options: Options, usage: string) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new ScriptError(`${(error as Error).message}\n\n${usage}`);
  }
}

/**
 * The number of an option; undefined where it was not given.
 * @throws {ScriptError} where it is none, or out of range.
 */
export function readNumber(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new ScriptError(`${name} must be a whole number from ${min} to ${max}`);
}

/** The seed of an earlier run, else one that `choose` answers. */
export function readSeed(text: string | undefined, choose: (max: number) => number): number {
  return readNumber("--seed", text, 0, MAX_SEED) ?? choose(MAX_SEED);
}

/** Prints a text, with which the run ends well. */
export function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
