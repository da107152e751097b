import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { Command } from "commander";
import { z } from "zod";
import { AUDIT_STREAM, auditSubject, UNKNOWN_TENANT, WHOLE_HOME } from "#shared/contract/audit-log.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { formatEntry } from "../audit/format-entry.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { parseSince } from "../shared/parse-since.ts";
import { ScriptError } from "../shared/run-script.ts";

const optionsSchema = z.object({
  tenant: nameSchema.or(z.enum([UNKNOWN_TENANT, WHOLE_HOME])),
  since: z.string(),
  follow: z.boolean().default(false),
});

/** `sluice audit`: prints a tenant's audit trail. */
export function auditCommand(terminal: Terminal): Command {
  return createCommand("audit", {
    summary: "print a tenant's audit trail",
    description: `Prints who logged in, was refused, was revoked, and who changed the policy: an entry on a line, the oldest first.

NATS_URL says where NATS is, with the user of auth; without it the command reads the demo that npm start runs.`,
    examples: ["npx sluice audit --tenant demo --since 1h", "npx sluice audit --tenant demo --since 5m --follow"],
  })
    .requiredOption(
      "--tenant <name>",
      "the tenant whose trail to print; @unknown: logins that named no tenant there is; @home: what was done to all tenants at once",
    )
    .option("--since <time>", "how far back to begin: 90s, 30m, 1h, 7d", "1h")
    .option("--follow", "go on with new entries until Ctrl-C")
    .action(async (given: unknown) => {
      const options = readOptions(optionsSchema, given);
      await printTrail({ ...options, sinceMs: parseSince(options.since) }, terminal);
    });
}

async function printTrail(
  { tenant, sinceMs, follow }: { tenant: string; sinceMs: number; follow: boolean },
  { env, print }: Terminal,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("auth", env), (connection) => connection.close());
  const options = {
    filter_subjects: [auditSubject(tenant, "*")],
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(Date.now() - sinceMs).toISOString(),
  };
  const consumer = await jetstream(nats)
    .consumers.get(AUDIT_STREAM, options)
    .catch((error: Error) => {
      throw new ScriptError(`the audit trail cannot be read: ${error.message}`);
    });
  let left = (await consumer.info()).num_pending;
  if (left === 0 && !follow) return;
  for await (const message of await consumer.consume()) {
    const entry = message.json<Record<string, string>>();
    print(entry, formatEntry(entry));
    left -= 1;
    if (left === 0 && !follow) break;
  }
}
