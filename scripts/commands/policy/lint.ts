import type { Command } from "commander";
import { z } from "zod";
import { printFault, readDocumentFile } from "../../policy/read-document-file.ts";
import { warningsOf } from "../../policy/warnings-of.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";

const optionsSchema = z.object({ tenant: z.string().optional(), strict: z.boolean().default(false) });

/** `sluice policy lint`: finds the faults of documents, and what can hardly be meant. */
export function lintCommand({ print, endWith }: Terminal): Command {
  return createCommand("lint", {
    summary: "find what is wrong with documents, and what can hardly be meant",
    description: `Finds everything that is wrong with policy documents (errors: policy refuses them) and what can hardly be meant (warnings: rules, event patterns and routes that nothing gets to, bindings and roles of no use). Each is printed on a line of its own, as <file>:<line>:<column>: error|warning: <text>. No server is asked.

Ends with 1 where there are errors.`,
    examples: ["npx sluice policy lint infra/policies/*.yaml"],
  })
    .argument("<file...>", "the documents")
    .option("--tenant <name>", "the documents must be this tenant's")
    .option("--strict", "warnings fail too")
    .action(async (paths: readonly string[], given: unknown) => {
      const { tenant, strict } = readOptions(optionsSchema, given);
      const files = await Promise.all(paths.map((path) => readDocumentFile(path, tenant)));
      const found = files.map((file) => ({ ...file, errors: file.parsed.faults ?? [], warnings: warningsOf(file) }));
      for (const { path, errors, warnings } of found) {
        for (const error of errors) printFault(path, "error", error, print);
        for (const warning of warnings) printFault(path, "warning", warning, print);
      }
      const errors = found.flatMap((file) => file.errors).length;
      const warnings = found.flatMap((file) => file.warnings).length;
      const text = `${countOf(files.length, "file")}: ${countOf(errors, "error")}, ${countOf(warnings, "warning")}`;
      print({ files: files.length, errors, warnings }, text);
      if (errors > 0 || (strict && warnings > 0)) endWith(1);
    });
}

function countOf(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
