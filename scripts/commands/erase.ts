import type { Command } from "commander";
import { z } from "zod";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { openPolicyServer, serverOptionsSchema, tenantPath, withServerOptions } from "../policy/policy-server.ts";
import { collect, createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { confirm } from "../shared/confirm.ts";
import { UsageError } from "../shared/run-script.ts";

const optionsSchema = serverOptionsSchema.extend({
  subject: z.string().refine(isTopicPattern, "takes a topic pattern, such as 'order.*.42'").optional(),
  id: z.array(z.string()).optional(),
  reason: z.string(),
  yes: z.boolean().default(false),
});
const erasedSchema = z.object({ through: z.int(), erased: z.int() });

/** `sluice erase`: erases events of a tenant for good. */
export function eraseCommand(terminal: Terminal): Command {
  const command = createCommand("erase", {
    summary: "erase events of a tenant for good",
    description: `Erases the events whose topic matches a pattern, or events by their ids, from a tenant's log. Nobody is served them any more, and clients that missed them are told of a gap. Nothing brings them back.

The token is the operator's, or an access token of somebody with event:erase in the tenant.`,
    examples: [`npx sluice erase demo --subject 'issues.*.42' --reason "the person asked" --yes`],
  })
    .argument("<tenant>", "the tenant")
    .option("--subject <pattern>", "erase the events whose topic matches, such as 'order.*.42'")
    .option("--id <id>", "erase the event with this id; may be repeated", collect)
    .requiredOption("--reason <text>", "why, for the audit trail: 1 to 500 characters")
    .option("--yes", "do not ask for confirmation");
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const path = `${tenantPath(tenant)}/erase`;
    const { subject, id: ids, reason } = options;
    if ((subject === undefined) === (ids === undefined)) throw new UsageError("give either --subject or --id");
    const server = await openPolicyServer(options, terminal.env);
    terminal.warn(`erases ${namesOf(subject, ids)} of tenant ${tenant} for good (${server.url})`);
    if (!options.yes) await confirm(tenant, "nothing was erased", terminal);
    const body = JSON.stringify({ subject, ids, reason });
    const post = { method: "POST", path, body } as const;
    const { erased, through } = await server.call(post, erasedSchema);
    terminal.print({ erased, through }, `erased ${erased} events up to sequence ${through}`);
  });
}

function namesOf(subject: string | undefined, ids: readonly string[] | undefined): string {
  return ids === undefined ? `all events that match ${subject}` : `the events ${ids.join(", ")}`;
}
