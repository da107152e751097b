import { z } from "zod";
import { ScriptError } from "../shared/run-script.ts";
import { warningsOf } from "./lint-command.ts";
import { misused, parseCommandLine, type PolicyCommand } from "./policy-command.ts";
import { readPolicyInForce } from "./policy-in-force.ts";
import { openPolicyServer, SERVER_OPTIONS, SERVER_USAGE } from "./policy-server.ts";
import { compileFile, lineOf, readDocumentFile } from "./read-document-file.ts";
import { tellDiff } from "./tell-diff.ts";
import { tellCases } from "./test-command.ts";

const usage = `usage: npm run policy -- apply <file> [--tenant <name>] [--strict] [--url <url>] [--token-file <file>]

Puts a document in force: lint, its test cases, the diff, then the change itself, made only if the policy is still the one
that the diff was made with. Prints the new version; from then on nothing is delivered under the old rights.

  --tenant <name>      the file must be this tenant's
  --strict             not with warnings
${SERVER_USAGE}`;

const versionSchema = z.object({ version: z.int() });

/** Puts a file in force over HTTP. */
export const applyCommand: PolicyCommand = {
  summary: "lint, test and show what changes, then put a file in force",
  usage,
  async run(args, { env, say }) {
    const options = { tenant: { type: "string" }, strict: { type: "boolean" }, ...SERVER_OPTIONS } as const;
    const { values, positionals } = parseCommandLine(args, options, usage);
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) throw misused("name the file to apply", usage);
    const file = await readDocumentFile(path, values.tenant);
    const warnings = warningsOf(file);
    for (const warning of warnings) say(lineOf(path, "warning", warning));
    if (!tellCases(file, say)) return 1;
    if (values.strict === true && warnings.length > 0) throw new ScriptError("not applied: there are warnings");

    const { tenant } = compileFile(file).document;
    const server = await openPolicyServer(values, { env });
    const inForce = await readPolicyInForce(server, tenant);
    tellDiff(inForce, compileFile(file, inForce.httpBindings), say);
    const target = `/v1/tenants/${tenant}/policy`;
    const put = { method: "PUT", path: target, body: file.text, ifMatch: inForce.version.number } as const;
    const { version } = await server.call(put, versionSchema);
    say(`version ${version} is in force`);
    return 0;
  },
};
