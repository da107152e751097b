import { failedCases } from "../../services/policy/decide/failed-cases.ts";
import type { Terminal } from "../shared/command.ts";
import { type DocumentFile, printFault } from "./read-document-file.ts";

/** Prints the faults of a file, or which of its test cases fail. Returns whether the file is valid and all cases hold. */
export function printCases({ path, parsed }: DocumentFile, print: Terminal["print"]): boolean {
  if (parsed.faults !== undefined) {
    for (const fault of parsed.faults) printFault(path, "error", fault, print);
    return false;
  }
  const failed = failedCases(parsed);
  for (const fault of failed) printFault(path, "error", fault, print);
  const all = parsed.document.tests.length;
  const held = all - failed.length;
  print({ path, cases: all, held }, `${path}: ${held} of ${all} cases hold`);
  return failed.length === 0;
}
