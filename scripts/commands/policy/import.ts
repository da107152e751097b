import type { Command } from "commander";
import { z } from "zod";
import { isName } from "#shared/protocol/names.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { openPolicyServer, serverOptionsSchema, versionSchema, withServerOptions } from "../../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { readText } from "../../shared/read-text.ts";
import { ScriptError } from "../../shared/run-script.ts";

const optionsSchema = serverOptionsSchema.extend({
  ifMatch: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "takes a version, such as 17")
    .transform(Number)
    .optional(),
});
const tenantSchema = z.object({ tenant: z.string().refine(isName) });

/** `sluice policy import`: puts back what export printed. */
export function importCommand({ env, print }: Terminal): Command {
  const command = createCommand("import", {
    summary: "put back what export printed",
    description: `Puts back what export printed, as one new version. It goes to the tenant that it came from; for another tenant, write the other name into its first line, in "tenant" and in the document. What earlier releases exported as one JSON value is taken too. A tenant whose document comes from a file of policy's directory refuses it, as the demo's do.`,
    examples: ["npx sluice policy export acme > acme.ndjson", "npx sluice policy import acme.ndjson"],
  })
    .argument("<file>", "the file that export wrote")
    .option("--if-match <version>", "only while this version is in force");
  return withServerOptions(command).action(async (path: string, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const body = await readText(path);
    const parsed = tenantSchema.safeParse(parseJson(body.split("\n", 1)[0] ?? "") ?? parseJson(body));
    if (!parsed.success) throw new ScriptError(`${path} is not what export prints`);
    const server = await openPolicyServer(options, env);
    const target = `/v1/tenants/${parsed.data.tenant}/import`;
    const put = { method: "PUT", path: target, body, ifMatch: options.ifMatch } as const;
    const { version } = await server.call(put, versionSchema);
    print({ version }, `version ${version} is in force`);
  });
}
