import type { Command } from "commander";
import { z } from "zod";
import { isName } from "#shared/protocol/names.ts";
import { openPolicyServer, serverOptionsSchema, withServerOptions } from "../../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../../shared/command.ts";
import { UsageError } from "../../shared/run-script.ts";

/** `sluice policy export`: prints a tenant's policy as one value. */
export function exportCommand({ env, say }: Terminal): Command {
  const command = createCommand("export", {
    summary: "print a tenant's whole policy as one JSON value",
    description:
      "Prints all that a tenant's policy consists of, the document and what was bound over HTTP, as one JSON value.",
    examples: ["POLICY_TOKEN=sluice-demo-operator npx sluice policy export demo > demo.json"],
  }).argument("<tenant>", "the tenant");
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const options = readOptions(serverOptionsSchema, given);
    if (!isName(tenant)) throw new UsageError("name the tenant: 1 to 64 of A-Z a-z 0-9 _ -");
    const server = await openPolicyServer(options, env);
    const exported = await server.call({ method: "GET", path: `/v1/tenants/${tenant}/export` }, z.looseObject({}));
    say(JSON.stringify(exported, null, 2));
  });
}
