import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { isFreeName, isName } from "#shared/protocol/names.ts";
import { parseSince } from "../audit/format-entry.ts";
import { harmless } from "../events/print-event.ts";
import {
  openPolicyServer,
  type PolicyServer,
  serverOptionsSchema,
  withServerOptions,
} from "../policy/policy-server.ts";
import { readEntries } from "../replay/read-entries.ts";
import { type Decision, foundSchema, replayStream } from "../replay/replay-stream.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";

const optionsSchema = serverOptionsSchema
  .extend({
    tenant: nameSchema,
    connection: z.string().refine(isName, "takes the id of a stream").optional(),
    trace: z
      .string()
      .regex(/^[0-9a-f]{32}$/, "takes a trace id: 32 of 0-9 a-f")
      .optional(),
    subject: z.string().refine(isFreeName, "takes the name of a person").optional(),
    since: z.string().default("1h"),
  })
  .refine(
    ({ connection, trace }) => (connection === undefined) !== (trace === undefined),
    "give either --connection or --trace",
  );
type ReplayOptions = z.infer<typeof optionsSchema>;

const decisionSchema = z.object({
  allow: z.boolean(),
  because: z.string(),
  rule: z.looseObject({ role: z.string(), rule: z.string() }).nullable(),
});
const explainedSchema = z.object({
  whenPublished: z.union([decisionSchema, z.object({ unknown: z.string() })]).optional(),
});

/** `sluice replay`: what a stream was sent and why, or what became of the events of a trace. */
export function replayCommand(terminal: Terminal): Command {
  const command = createCommand("replay", {
    summary: "tell what a stream was sent and why, or follow the events of a trace",
    description: `With --connection it tells a stream's life in order, with times: how it was opened, each event whose topic it had asked for, with the rule that let it through or kept it back when it was published, changes of topics and of rights between them, and how it ended. It puts together the connection log, which is kept for a day, the tenant's log, and policy's versions; of a durable subscription it tells what is new, not what came again.

With --trace it looks for the events that carry a trace, in the last hour or --since, and with --subject tells whether that person may see each.

It asks policy over HTTP and reads the tenant's log on the bus: NATS_URL says where that is, with the user of policy.`,
    examples: [
      `npx sluice replay --tenant demo --connection "$ID"   # ID: of connections, or X-Connection-ID`,
      "npx sluice replay --tenant demo --trace 4bf92f3577b34da6a3ce929d0e0e4736 --subject alice",
    ],
  })
    .requiredOption("--tenant <name>", "the tenant of both")
    .option("--connection <id>", "the stream whose life to tell")
    .option("--trace <id>", "the trace whose events to look for")
    .option("--subject <name>", "with --trace: whether this person may see them")
    .option("--since <time>", "with --trace: how far back to look: 90s, 30m, 1h, 7d", "1h");
  return withServerOptions(command).action(async (given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const server = await openPolicyServer(options, terminal.env);
    if (options.connection === undefined) await replayTrace(server, options, terminal);
    else await replayConnection(server, options.connection, options, terminal);
  });
}

async function replayConnection(server: PolicyServer, id: string, { tenant }: ReplayOptions, terminal: Terminal) {
  const { env, print } = terminal;
  const found = await server.call(
    { method: "GET", path: `/v1/tenants/${tenant}/connections/${id}?entries=true` },
    foundSchema,
  );
  const subject = found.entries.find(({ event }) => event === "opened")?.subject ?? "";
  const moments = replayStream(found, {
    read: (after, to) => readEntries(tenant, { seq: after + 1 }, to, env),
    decide: (seq) => decide(server, tenant, subject, seq),
  });
  for await (const moment of moments) {
    const { at, what, id: place = "", topic = "", why } = moment;
    print(moment, harmless([at, what.padEnd(8), place, topic, why].filter((part) => part !== "").join("  ")));
  }
}

async function replayTrace(
  server: PolicyServer,
  options: ReplayOptions,
  { env, print, warn }: Terminal,
): Promise<void> {
  const { tenant, trace, subject, since } = options;
  const start = { start_time: new Date(Date.now() - parseSince(since)).toISOString() };
  let found = 0;
  for await (const { seq, storedAt, entry, traceId } of readEntries(tenant, start, Infinity, env)) {
    if (entry.kind !== "event" || traceId !== trace) continue;
    found += 1;
    const decision = subject === undefined ? undefined : await decide(server, tenant, subject, seq);
    const seen = decision === undefined ? {} : { subject, allow: decision.allow, because: decision.because };
    const words = decision === undefined ? "" : `  ${subject}: ${wordOf(decision.allow)}, ${decision.because}`;
    const at = storedAt.toISOString();
    print({ at, seq, topic: entry.topic, ...seen }, harmless(`${at}  ${seq}  ${entry.topic}${words}`));
  }
  if (found === 0) warn(`no event of the last ${since} carries this trace`);
}

function wordOf(allow: boolean | undefined): string {
  if (allow === undefined) return "unknown";
  return allow ? "may see it" : "may not see it";
}

/** By the policy of the event's own place in the log, with the roles that auth gives the person now. */
async function decide(server: PolicyServer, tenant: string, subject: string, seq: number): Promise<Decision> {
  const query = new URLSearchParams({ subject, sequence: String(seq) });
  const call = { method: "GET", path: `/v1/tenants/${tenant}/explain?${query.toString()}` } as const;
  const { whenPublished } = await server.call(call, explainedSchema);
  if (whenPublished === undefined) return { allow: undefined, because: "policy says nothing of this entry" };
  if ("unknown" in whenPublished) return { allow: undefined, because: whenPublished.unknown };
  const { allow, because, rule } = whenPublished;
  return { allow, because: rule === null ? because : `${rule.role}: ${rule.rule}: ${because}` };
}
