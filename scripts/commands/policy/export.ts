import { readFile } from "node:fs/promises";
import { z } from "zod";
import { isName } from "#shared/contract/names.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { ScriptError } from "../shared/run-script.ts";
import { misused, parseCommandLine, type PolicyCommand } from "./policy-command.ts";
import { openPolicyServer, SERVER_OPTIONS, SERVER_USAGE } from "./policy-server.ts";

const exportUsage = `usage: npm run --silent policy -- export <tenant> [--url <url>] [--token-file <file>] > <file>

Prints all that a tenant's policy consists of, the document and what was bound over HTTP, as one JSON value.

${SERVER_USAGE}`;

const importUsage = `usage: npm run policy -- import <file> [--if-match <version>] [--url <url>] [--token-file <file>]

Puts back what export printed, as one new version. It goes to the tenant that it came from; for another tenant, write the
other name into the file, in "tenant" and in the document.

  --if-match <version> only while this version is in force
${SERVER_USAGE}`;

const tenantSchema = z.object({ tenant: z.string().refine(isName) });
const versionSchema = z.object({ version: z.int() });

/** Prints a tenant's policy as one value. */
export const exportCommand: PolicyCommand = {
  summary: "print a tenant's whole policy as one JSON value",
  usage: exportUsage,
  async run(args, { env, say }) {
    const { values, positionals } = parseCommandLine(args, SERVER_OPTIONS, exportUsage);
    const [tenant, ...more] = positionals;
    if (tenant === undefined || !isName(tenant) || more.length > 0) throw misused("name the tenant", exportUsage);
    const server = await openPolicyServer(values, { env });
    const exported = await server.call({ method: "GET", path: `/v1/tenants/${tenant}/export` }, z.looseObject({}));
    say(JSON.stringify(exported, null, 2));
    return 0;
  },
};

/** Puts back what `exportCommand` printed. */
export const importCommand: PolicyCommand = {
  summary: "put back what export printed",
  usage: importUsage,
  async run(args, { env, say }) {
    const options = { "if-match": { type: "string" }, ...SERVER_OPTIONS } as const;
    const { values, positionals } = parseCommandLine(args, options, importUsage);
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) throw misused("name the file that export wrote", importUsage);
    const ifMatch = values["if-match"];
    if (ifMatch !== undefined && !/^[1-9]\d{0,14}$/.test(ifMatch)) {
      throw misused("--if-match takes a version, such as 17", importUsage);
    }
    const value = parseJson(await readExport(path));
    const parsed = tenantSchema.safeParse(value);
    if (!parsed.success) throw new ScriptError(`${path} is not what export prints`);
    const server = await openPolicyServer(values, { env });
    const { version } = await server.call(
      {
        method: "PUT",
        path: `/v1/tenants/${parsed.data.tenant}/import`,
        body: JSON.stringify(value),
        ifMatch: ifMatch === undefined ? undefined : Number(ifMatch),
      },
      versionSchema,
    );
    say(`version ${version} is in force`);
    return 0;
  },
};

function readExport(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: Error) => {
    throw new ScriptError(`${path} cannot be read: ${error.message}`);
  });
}
