import type { Command } from "commander";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { isName } from "#shared/protocol/names.ts";
import { openPolicyServer, serverOptionsSchema, withServerOptions } from "../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";

const optionsSchema = serverOptionsSchema.extend({ tenant: nameSchema });

/** `sluice disconnect`: ends an open stream. */
export function disconnectCommand({ env, print }: Terminal): Command {
  const command = createCommand("disconnect", {
    summary: "end an open stream, whose client may come back",
    description: `Ends an open stream with bye. Its client comes back and goes on behind its last event: session revoke keeps it away. An entry of the audit trail says who did it.`,
    examples: [`npx sluice disconnect "$ID" --tenant demo   # ID: an id that connections prints`],
  })
    .argument("<connection>", "the stream's id")
    .requiredOption("--tenant <name>", "the tenant whose stream it is");
  return withServerOptions(command).action(async (id: string, given: unknown) => {
    const { tenant, ...options } = readOptions(optionsSchema, given);
    if (!isName(id)) throw new UsageError("name the stream by the id that connections prints");
    const server = await openPolicyServer(options, env);
    await server.read({ method: "DELETE", path: `/v1/tenants/${tenant}/connections/${id}` });
    print({ tenant, closed: id }, `${id} is closed`);
  });
}
