import type { Command } from "commander";
import { openPolicyServer, serverOptionsSchema, tenantPath, withServerOptions } from "../../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";

/** `sluice policy export`: prints a tenant's policy as one value. */
export function exportCommand({ env, print }: Terminal): Command {
  const command = createCommand("export", {
    summary: "print a tenant's whole policy as lines of JSON",
    description:
      "Prints all that a tenant's policy consists of as lines of JSON: first the document, then each subject whose roles were set over HTTP.",
    examples: ["npx sluice policy export demo > demo.ndjson"],
  }).argument("<tenant>", "the tenant");
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const options = readOptions(serverOptionsSchema, given);
    const path = `${tenantPath(tenant)}/export`;
    const server = await openPolicyServer(options, env);
    const lines = (await server.read({ method: "GET", path })).trimEnd().split("\n");
    for (const line of lines) print(JSON.parse(line) as object, line);
  });
}
