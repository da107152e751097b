import { failedCases } from "../../services/policy/decide/failed-cases.ts";
import type { Terminal } from "../shared/command.ts";
import { type DocumentFile, lineOf } from "./read-document-file.ts";

/** Prints the faults of a file, or which of its test cases fail. Returns whether the file is valid and all cases hold. */
export function printCases({ path, parsed }: DocumentFile, say: Terminal["say"]): boolean {
  if (parsed.faults !== undefined) {
    for (const fault of parsed.faults) say(lineOf(path, "error", fault));
    return false;
  }
  const failed = failedCases(parsed);
  for (const fault of failed) say(lineOf(path, "error", fault));
  const all = parsed.document.tests.length;
  say(`${path}: ${all - failed.length} of ${all} cases hold`);
  return failed.length === 0;
}
