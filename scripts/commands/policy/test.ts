import { failedCases } from "../../services/policy/decide/failed-cases.ts";
import { misused, parseCommandLine, type PolicyCommand, type Terminal } from "./policy-command.ts";
import { type DocumentFile, lineOf, readDocumentFile } from "./read-document-file.ts";

const usage = `usage: npm run policy -- test <file>… [--tenant <name>]

Asks policy documents the cases of their own tests section, and tells which they do not answer as expected. policy asks
the same before it puts a document in force. No server is asked.

  --tenant <name>   the documents must be this tenant's

Ends with 1 where a case fails or a document has errors.`;

/** Asks documents their own test cases. */
export const testCommand: PolicyCommand = {
  summary: "ask documents their own test cases",
  usage,
  async run(args, { say }) {
    const { values, positionals } = parseCommandLine(args, { tenant: { type: "string" } }, usage);
    if (positionals.length === 0) throw misused("name the files to test", usage);
    const files = await Promise.all(positionals.map((path) => readDocumentFile(path, values.tenant)));
    return files.filter((file) => !tellCases(file, say)).length === 0 ? 0 : 1;
  },
};

/** Tells how a file's cases went, and answers whether all of them hold. */
export function tellCases({ path, parsed }: DocumentFile, say: Terminal["say"]): boolean {
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
