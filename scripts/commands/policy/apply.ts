import type { Command } from "commander";
import { z } from "zod";
import { readPolicyInForce } from "../../policy/policy-in-force.ts";
import { openPolicyServer, serverOptionsSchema, versionSchema, withServerOptions } from "../../policy/policy-server.ts";
import { compileFile, printFault, readDocumentFile } from "../../policy/read-document-file.ts";
import { printCases } from "../../policy/print-cases.ts";
import { printDiff } from "../../policy/print-diff.ts";
import { warningsOf } from "../../policy/warnings-of.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { ScriptError } from "../../shared/run-script.ts";

const optionsSchema = serverOptionsSchema.extend({ tenant: z.string().optional(), strict: z.boolean().default(false) });
type ApplyOptions = z.infer<typeof optionsSchema>;

/** `sluice policy apply`: puts a file in force over HTTP. */
export function applyCommand(terminal: Terminal): Command {
  const command = createCommand("apply", {
    summary: "lint, test and show what changes, then put a file in force",
    description: `Puts a document in force: lint, its test cases, the diff, then the change itself, made only if the policy is still the one that the diff was made with. Prints the new version; from then on nothing is delivered under the old rights. A tenant whose document comes from a file of policy's directory refuses it, as the demo's do: save that file instead.`,
    examples: [
      "npx sluice tenant create acme",
      "echo '{ tenant: acme, roles: { viewer: { allow: [\"order:read\"] } } }' > acme.yaml",
      "npx sluice policy apply acme.yaml",
    ],
  })
    .argument("<file>", "the document")
    .option("--tenant <name>", "the document must be this tenant's")
    .option("--strict", "do not apply a document with warnings");
  return withServerOptions(command).action((path: string, given: unknown) =>
    applyFile(path, readOptions(optionsSchema, given), terminal),
  );
}

async function applyFile(path: string, options: ApplyOptions, terminal: Terminal): Promise<void> {
  const { env, print, endWith } = terminal;
  const file = await readDocumentFile(path, options.tenant);
  const warnings = warningsOf(file);
  for (const warning of warnings) printFault(path, "warning", warning, print);
  if (!printCases(file, print)) return endWith(1);
  if (options.strict && warnings.length > 0) throw new ScriptError("not applied: there are warnings");

  const { tenant } = compileFile(file).document;
  const server = await openPolicyServer(options, env);
  const inForce = await readPolicyInForce(server, tenant);
  printDiff(inForce, compileFile(file, inForce.httpBindings), terminal);
  const target = `/v1/tenants/${tenant}/policy`;
  const put = { method: "PUT", path: target, body: file.text, ifMatch: inForce.version.number } as const;
  const { version } = await server.call(put, versionSchema);
  print({ version }, `version ${version} is in force`);
}
