import { Command } from "commander";
import type { z } from "zod";
import { UsageError } from "./run-script.ts";

/** Where a command takes its settings and its input from, and where it writes. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** Where those of them stand that a file sets: `.env:3`. */
  readonly origins: ReadonlyMap<string, string>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** The width of the terminal, in characters. */
  readonly columns: number;
  /** Prints a piece of the command's result: with `--json` as a line of JSON, else as this text, or what `text` says. */
  readonly print: (result: object, text: string | (() => void)) => void;
  /** Writes a line of text for people: to stdout, or with `--json` to stderr. */
  readonly say: (line: string) => void;
  /** Writes a line about the work itself, progress or failure, to stderr. */
  readonly warn: (line: string) => void;
  /** Sets the exit code, which is 0 otherwise. */
  readonly endWith: (code: number) => void;
}

/** What the help of a command says, beside its arguments and options. */
export interface CommandHelp {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What the command does, in sentences. */
  readonly description: string;
  /** Lines that work when they are pasted into a shell. */
  readonly examples: readonly string[];
}

/** Makes a command whose help ends with its examples; of arguments and options it has `--json` alone. */
export function createCommand(name: string, { summary, description, examples }: CommandHelp): Command {
  const lines = examples.map((line) => `  ${line}`).join("\n");
  return new Command(name)
    .summary(summary)
    .description(description)
    .option("--json", "print each result as a line of JSON")
    .addHelpText("after", `\nExample${examples.length === 1 ? "" : "s"}:\n${lines}`);
}

/** Makes a command that only holds others. */
export function createGroup(name: string, summary: string, description: string, commands: readonly Command[]): Command {
  const group = new Command(name).summary(summary).description(description);
  for (const command of commands) group.addCommand(command);
  return group;
}

/**
 * The options of a command line as the schema says.
 * @throws {UsageError} naming the first option that is wrong.
 */
export function readOptions<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const { path, message } = error.issues[0] ?? { path: [], message: "not understood" };
  throw new UsageError(path.length === 0 ? message : `${optionOf(String(path[0]))} ${message}`);
}

/** `ifMatch` is the option `--if-match`. */
function optionOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The name and the value of `<name>=<value>`; the value may have a `=`.
 * @throws {UsageError} with `fault` where it is no such pair.
 */
export function splitPair(text: string, fault: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(fault);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Adds a value to those that an option was given before. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
