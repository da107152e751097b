import type { Command } from "commander";
import { z } from "zod";
import { readPolicyInForce } from "../../policy/policy-in-force.ts";
import { openPolicyServer, serverOptionsSchema, withServerOptions } from "../../policy/policy-server.ts";
import { compileFile, readDocumentFile } from "../../policy/read-document-file.ts";
import { printDiff } from "../../policy/print-diff.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";

const optionsSchema = serverOptionsSchema.extend({ tenant: z.string().optional() });

/** `sluice policy diff`: tells what a file would change. */
export function diffCommand(terminal: Terminal): Command {
  const command = createCommand("diff", {
    summary: "tell what a file would change, and who gains and loses by it",
    description: `Tells what a file would change in the policy in force, or what two files differ in: roles, rules, bindings, event patterns and routes that come (+), go (-) or change (~), and who gains and loses what by it. What was bound over HTTP stays as it is.`,
    examples: [
      "npx sluice policy diff infra/policies/demo.yaml",
      "npx sluice policy diff infra/policies/demo.yaml infra/policies/rival.yaml",
    ],
  })
    .argument("<file>", "the document; with a second one, the old document")
    .argument("[new-file]", "the new document; then no server is asked")
    .option("--tenant <name>", "the documents must be this tenant's");
  return withServerOptions(command).action(async (path: string, newPath: string | undefined, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const file = await readDocumentFile(path, options.tenant);
    const { document } = compileFile(file);
    if (newPath !== undefined) {
      printDiff(compileFile(file), compileFile(await readDocumentFile(newPath, options.tenant)), terminal);
      return;
    }
    const inForce = await readPolicyInForce(await openPolicyServer(options, terminal.env), document.tenant);
    printDiff(inForce, compileFile(file, inForce.httpBindings), terminal);
  });
}
