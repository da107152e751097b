import type { Command } from "commander";
import { z } from "zod";
import { readDocumentFile } from "../../policy/read-document-file.ts";
import { printCases } from "../../policy/print-cases.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";

const optionsSchema = z.object({ tenant: z.string().optional() });

/** `sluice policy test`: asks documents their own test cases. */
export function testCommand({ print, endWith }: Terminal): Command {
  return createCommand("test", {
    summary: "ask documents their own test cases",
    description: `Asks policy documents the cases of their own tests section, and tells which they do not answer as expected. policy asks the same before it puts a document in force. No server is asked.

Ends with 1 where a case fails or a document has errors.`,
    examples: ["npx sluice policy test infra/policies/*.yaml"],
  })
    .argument("<file...>", "the documents")
    .option("--tenant <name>", "the documents must be this tenant's")
    .action(async (paths: readonly string[], given: unknown) => {
      const { tenant } = readOptions(optionsSchema, given);
      const files = await Promise.all(paths.map((path) => readDocumentFile(path, tenant)));
      if (files.filter((file) => !printCases(file, print)).length > 0) endWith(1);
    });
}
