import type { Fault } from "../../services/policy/document/fault.ts";
import { lintDocument } from "../../services/policy/document/lint-document.ts";
import { misused, parseCommandLine, type PolicyCommand } from "./policy-command.ts";
import { type DocumentFile, lineOf, readDocumentFile, tenantOfFile } from "./read-document-file.ts";

const usage = `usage: npm run policy -- lint <file>… [--tenant <name>] [--strict]

Finds everything that is wrong with policy documents (errors: policy refuses them) and what can hardly be meant
(warnings: rules, event patterns and routes that nothing gets to, bindings and roles of no use). Each stands on a line of
its own, as <file>:<line>:<column>: error|warning: <text>. No server is asked.

  --tenant <name>   the documents must be this tenant's
  --strict          warnings fail too

Ends with 1 where there are errors.`;

/** Finds the faults of documents, and what can hardly be meant. */
export const lintCommand: PolicyCommand = {
  summary: "find what is wrong with documents, and what can hardly be meant",
  usage,
  async run(args, { say }) {
    const options = { tenant: { type: "string" }, strict: { type: "boolean" } } as const;
    const { values, positionals } = parseCommandLine(args, options, usage);
    if (positionals.length === 0) throw misused("name the files to look at", usage);
    const files = await Promise.all(positionals.map((path) => readDocumentFile(path, values.tenant)));
    const found = files.map((file) => ({ ...file, errors: file.parsed.faults ?? [], warnings: warningsOf(file) }));
    for (const { path, errors, warnings } of found) {
      for (const error of errors) say(lineOf(path, "error", error));
      for (const warning of warnings) say(lineOf(path, "warning", warning));
    }
    const errors = found.flatMap((file) => file.errors).length;
    const warnings = found.flatMap((file) => file.warnings).length;
    say(`${files.length} files: ${errors} errors, ${warnings} warnings`);
    return errors > 0 || (values.strict === true && warnings > 0) ? 1 : 0;
  },
};

/** What a file's author can hardly mean; of a document with errors nothing can be said. */
export function warningsOf({ path, parsed }: DocumentFile): Fault[] {
  if (parsed.document === undefined) return [];
  const { document, faultAt } = parsed;
  const warnings = lintDocument(document, Date.now()).map(({ path: place, message, key }) =>
    faultAt(place, message, key),
  );
  const named = tenantOfFile(path);
  if (named === document.tenant) return warnings;
  return [
    faultAt(["tenant"], `in a watched directory this file is taken for tenant "${named}", and refused`),
    ...warnings,
  ];
}
