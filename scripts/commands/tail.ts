import type { Command } from "commander";
import { z } from "zod";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { printEvent } from "../events/print-event.ts";
import { tailBus } from "../events/tail-bus.ts";
import { tailEdge } from "../events/tail-edge.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { parseSince } from "../shared/parse-since.ts";
import { personOptionsSchema, withPersonOptions } from "../shared/person.ts";
import { UsageError } from "../shared/run-script.ts";
import { untilInterrupted } from "../shared/until-interrupted.ts";

const COUNT_FAULT = "must be a whole number of events above 0";

const optionsSchema = personOptionsSchema.extend({
  bus: z.boolean().default(false),
  since: z.string().optional(),
  count: z.coerce.number(COUNT_FAULT).pipe(z.int(COUNT_FAULT).positive(COUNT_FAULT)).default(Number.MAX_SAFE_INTEGER),
});
type TailOptions = z.infer<typeof optionsSchema>;

/** `sluice tail`: prints a tenant's events as they come. */
export function tailCommand(terminal: Terminal): Command {
  const command = createCommand("tail", {
    summary: "print events as they come, as somebody sees them or as the bus has them",
    description: `Prints events as they come, one on a line: when it was stored, its id, its topic, and its data. It logs in and opens a stream at the edge, so it prints what that person may see; what the edge says of itself goes to stderr. A stream that ends is opened again behind its last event.

With --bus it reads the tenant's log itself: all events, whoever may see them, with their sequences in place of ids, and without topics also the control entries. NATS_URL says where NATS is, with the user of policy.`,
    examples: [
      "npx sluice tail 'issues.>' 'push.>' --user alice",
      "npx sluice tail '*.*.>' --since 1h --count 10 --json",
      "npx sluice tail --bus --tenant demo",
    ],
  })
    .argument("[topic...]", "topic patterns, such as 'order.>'; --bus needs none")
    .option("--bus", "read the tenant's log on the bus")
    .option("--since <time>", "begin so far back: 90s, 30m, 1h, 7d; else with what comes from now on")
    .option("--count <n>", "end after n events");
  return withPersonOptions(command).action((topics: readonly string[], given: unknown) =>
    tail(topics, readOptions(optionsSchema, given), terminal),
  );
}

async function tail(topics: readonly string[], options: TailOptions, terminal: Terminal): Promise<void> {
  const { bus, since: text, count, ...person } = options;
  const wrong = topics.find((topic) => !isTopicPattern(topic));
  if (wrong !== undefined) throw new UsageError(`${wrong} is no topic pattern, such as 'order.>'`);
  const since = text === undefined ? undefined : new Date(Date.now() - parseSince(text));
  const signal = untilInterrupted();
  const source = bus
    ? tailBus({ tenant: tenantOf(person.tenant, terminal.env), topics, since, signal }, terminal.env)
    : tailEdge(
        { topics: someOf(topics), from: since?.toISOString(), person, signal, tell: terminal.warn },
        terminal.env,
      );
  let left = count;
  for await (const event of source) {
    printEvent(event, terminal);
    left -= 1;
    if (left === 0) break;
  }
}

function tenantOf(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const tenant = given ?? (env["SLUICE_TENANT"] || undefined);
  if (tenant === undefined) throw new UsageError("name the tenant: --tenant");
  return tenant;
}

function someOf(topics: readonly string[]): readonly string[] {
  if (topics.length === 0) throw new UsageError("name a topic pattern, such as 'order.>'");
  return topics;
}
