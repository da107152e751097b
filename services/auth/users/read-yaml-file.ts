import { readFile } from "node:fs/promises";
import { type Document, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { BootError } from "#shared/config/read-config.ts";

/**
 * Reads a YAML file that holds secrets.
 * @throws {BootError} naming every fault in it. It never quotes the file.
 */
export async function readYamlFile<Schema extends z.ZodType>(
  path: string,
  setting: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const parsed = schema.safeParse(parseYaml(path, setting, await readText(path, setting)));
  if (parsed.success) return parsed.data;
  throw faultsIn(path, setting, describeIssues(parsed.error.issues));
}

/** The file's text; throws a BootError where there is none. */
export function readText(path: string, setting: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`${setting}: cannot read ${path} (${error.code})`);
  });
}

/** What is wrong, a line each, with where it stands. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.map(({ path: at, message }) => `${at.join(".") || "the file"}: ${message}`);
}

/** The value in a YAML text; throws a BootError that names every fault in it. */
export function parseYaml(path: string, setting: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter });
  if (document.errors.length === 0) return valueOf(path, setting, document);
  const faults = document.errors.map(({ code, pos }) => `line ${lineCounter.linePos(pos[0]).line}: ${code}`);
  throw faultsIn(path, setting, faults);
}

/** Aliases are looked up only here, and the fault of one quotes it. */
function valueOf(path: string, setting: string, document: Document.Parsed): unknown {
  try {
    const value: unknown = document.toJS();
    // What holds itself cannot be written.
    JSON.stringify(value);
    return value;
  } catch {
    throw faultsIn(path, setting, [
      "an alias (*) stands for nothing, for too much, or for itself: write out what is meant",
    ]);
  }
}

/** The refusal of a file. */
export function faultsIn(path: string, setting: string, faults: readonly string[]): BootError {
  return new BootError(`the file ${path} (${setting}) is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}
