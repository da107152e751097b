import { readFile } from "node:fs/promises";
import { ScriptError } from "./run-script.ts";

/**
 * Reads a file that somebody named; what it is called where the path is not to be said.
 * @throws {ScriptError} where it cannot be read.
 */
export function readText(path: string, name = path): Promise<string> {
  return readFile(path, "utf8").catch((error: Error) => {
    throw new ScriptError(`${name} cannot be read: ${error.message}`);
  });
}
