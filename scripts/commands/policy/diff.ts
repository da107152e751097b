import { misused, parseCommandLine, type PolicyCommand } from "./policy-command.ts";
import { readPolicyInForce } from "./policy-in-force.ts";
import { openPolicyServer, SERVER_OPTIONS, SERVER_USAGE } from "./policy-server.ts";
import { compileFile, readDocumentFile } from "./read-document-file.ts";
import { tellDiff } from "./tell-diff.ts";

const usage = `usage: npm run policy -- diff <file> [--tenant <name>] [--url <url>] [--token-file <file>]
       npm run policy -- diff <old file> <new file>

Tells what a file would change in the policy in force, or what two files differ in: roles, rules, bindings, event
patterns and routes that come (+), go (-) or change (~), and who gains and loses what by it. What was bound over HTTP
stays as it is.

  --tenant <name>      the file must be this tenant's
${SERVER_USAGE}`;

/** Tells what a file would change. */
export const diffCommand: PolicyCommand = {
  summary: "tell what a file would change, and who gains and loses by it",
  usage,
  async run(args, { env, say }) {
    const options = { tenant: { type: "string" }, ...SERVER_OPTIONS } as const;
    const { values, positionals } = parseCommandLine(args, options, usage);
    const [first, second, ...more] = positionals;
    if (first === undefined || more.length > 0) throw misused("name one file, or two", usage);
    const file = await readDocumentFile(first, values.tenant);
    const { document } = compileFile(file);
    if (second !== undefined) {
      tellDiff(compileFile(file), compileFile(await readDocumentFile(second, values.tenant)), say);
      return 0;
    }
    const inForce = await readPolicyInForce(await openPolicyServer(values, { env }), document.tenant);
    tellDiff(inForce, compileFile(file, inForce.httpBindings), say);
    return 0;
  },
};
