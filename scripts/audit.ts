// Prints the audit trail: npm run audit -- --tenant demo [--since 1h] [--follow]
import { parseArgs } from "node:util";
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { isName } from "#shared/contract/names.ts";
import { lineOf, parseSince } from "./audit/format-entry.ts";
import { DEFAULT_PORTS } from "./demo-settings.ts";
import { runScript, say, ScriptError } from "./shared/run-script.ts";

/** The demo's server and its user that may read the trail; NATS_URL names another. */
const DEMO_URL = `nats://auth:sluice-demo-auth@127.0.0.1:${process.env["NATS_PORT"] ?? DEFAULT_PORTS.NATS_PORT}`;

await runScript(async () => {
  const { tenant, since, follow } = readOptions();
  const { host, username, password } = new URL(process.env["NATS_URL"] ?? DEMO_URL);
  const user = decodeURIComponent(username);
  const credentials = { user, pass: decodeURIComponent(password), inboxPrefix: `_INBOX.${user}` };
  const nats = await connect({ servers: host, ...credentials }).catch((error: Error) => {
    throw new ScriptError(`cannot connect to NATS at ${host} (${error.message}); set NATS_URL to the user auth`);
  });
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
