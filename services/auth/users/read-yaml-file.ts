import { readFile } from "node:fs/promises";
import { LineCounter, parseDocument } from "yaml";
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
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`${setting}: cannot read ${path} (${error.code})`);
  });
  const parsed = schema.safeParse(parseYaml(path, setting, text));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path: at, message }) => `${at.join(".") || "the file"}: ${message}`);
  throw faultsIn(path, setting, faults);
}

function parseYaml(path: string, setting: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter });
  if (document.errors.length === 0) return document.toJS();
  const faults = document.errors.map(({ code, pos }) => `line ${lineCounter.linePos(pos[0]).line}: ${code}`);
  throw faultsIn(path, setting, faults);
}

function faultsIn(path: string, setting: string, faults: readonly string[]): BootError {
  return new BootError(`the file ${path} (${setting}) is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}
