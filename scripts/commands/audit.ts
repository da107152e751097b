// Prints the audit trail: npm run audit -- --tenant demo [--since 1h] [--follow]
import { parseArgs } from "node:util";
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { isName } from "#shared/contract/names.ts";
import { lineOf, parseSince } from "./audit/format-entry.ts";
import { connectBus } from "./shared/connect-bus.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

await runScript(async () => {
  const { tenant, since, follow } = readOptions();
  const nats = await connectBus("auth");
  const consumer = await jetstream(nats).consumers.get(AUDIT_STREAM, {
    filter_subjects: [auditSubject(tenant, "*")],
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(Date.now() - since).toISOString(),
  });
  const { num_pending } = await consumer.info();
  if (num_pending > 0 || follow) {
    let left = num_pending;
    for await (const message of await consumer.consume()) {
      say(lineOf(message.string()));
      left -= 1;
      if (left === 0 && !follow) break;
    }
  }
  await nats.close();
  return 0;
});

function readOptions(): { tenant: string; since: number; follow: boolean } {
  const { tenant = "", since = "1h", follow = false } = parseOptions();
  if (!isName(tenant)) throw new ScriptError("say whose trail: npm run audit -- --tenant demo");
  return { tenant, since: parseSince(since), follow };
}

function parseOptions() {
  try {
    const options = { tenant: { type: "string" }, since: { type: "string" }, follow: { type: "boolean" } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    throw new ScriptError((error as Error).message);
  }
}
