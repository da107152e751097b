import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { isFreeName, isName } from "#shared/protocol/names.ts";
import { harmless } from "../events/print-event.ts";
import {
  openPolicyServer,
  type PolicyServer,
  serverOptionsSchema,
  withServerOptions,
} from "../policy/policy-server.ts";
import { readConnections } from "../replay/read-connections.ts";
import { type ReadEntry, readEntries } from "../replay/read-entries.ts";
import { type Decision, foundSchema, replayStream } from "../replay/replay-stream.ts";
import { replayTrace } from "../replay/replay-trace.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { parseSince } from "../shared/parse-since.ts";

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

/** `sluice replay`: what a stream was sent and why, or to which streams the events of a trace went. */
export function replayCommand(terminal: Terminal): Command {
  const command = createCommand("replay", {
    summary: "tell what a stream was sent and why, or where the events of a trace went",
    description: `With --connection it tells a stream's life in order, with times: how it was opened, each event whose topic it had asked for, with the rule that let it through or kept it back when it was published, changes of topics and of rights between them, and how it ended. It puts together the connection log, which is kept for a day, the tenant's log, and policy's versions; of a durable subscription it tells what is new, not what came again.

With --trace it looks for the events that carry a trace, in the last hour or --since, and tells to which streams each went and why, or why not: of the streams whose beginning the connection log keeps, those that had asked for its topic then, or with --subject those of one person.

It asks policy over HTTP and reads the tenant's log on the bus: NATS_URL says where that is, with the user of policy.`,
    examples: [
      `npx sluice replay --tenant demo --connection "$ID"   # ID: of connections, or X-Connection-ID`,
      "npx sluice replay --tenant demo --trace 4bf92f3577b34da6a3ce929d0e0e4736 --subject alice",
    ],
  })
    .requiredOption("--tenant <name>", "the tenant of both")
    .option("--connection <id>", "the stream whose life to tell")
    .option("--trace <id>", "the trace whose events to look for")
    .option("--subject <name>", "with --trace: the streams of this person alone, and whether they may see the events")
    .option("--since <time>", "with --trace: how far back to look: 90s, 30m, 1h, 7d", "1h");
  return withServerOptions(command).action(async (given: unknown) => {
    const options = readOptions(optionsSchema, given);
    const server = await openPolicyServer(options, terminal.env);
    if (options.connection === undefined) await tellTrace(server, options, terminal);
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

async function tellTrace(server: PolicyServer, options: ReplayOptions, terminal: Terminal): Promise<void> {
  const { tenant, trace, subject: about, since } = options;
  const { env, print, warn } = terminal;
  const { entries, isWhole } = await readConnections(tenant, about, env);
  if (!isWhole) warn("the connection log holds more entries than are read: the latest streams are missing");
  const start = { start_time: new Date(Date.now() - parseSince(since)).toISOString() };
  const moments = replayTrace(entries, {
    events: withTrace(readEntries(tenant, start, Infinity, env), trace),
    decide: (subject, seq) => decide(server, tenant, subject, seq),
    about,
  });
  let found = 0;
  for await (const moment of moments) {
    const { at, what, seq, topic, connectionId = "", subject = "", why } = moment;
    found += 1;
    const words = [at, what.padEnd(8), String(seq), topic, subject, connectionId, why];
    print(moment, harmless(words.filter((part) => part !== "").join("  ")));
  }
  if (found === 0) warn(`no event of the last ${since} carries this trace`);
}

async function* withTrace(entries: AsyncIterable<ReadEntry>, trace: string | undefined): AsyncGenerator<ReadEntry> {
  for await (const entry of entries) if (entry.traceId === trace) yield entry;
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
