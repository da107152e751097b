import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { z } from "zod";
import { type OpenConnection, openConnectionSchema } from "#shared/contract/edge-questions.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { harmless } from "../events/print-event.ts";
import {
  openPolicyServer,
  type PolicyServer,
  serverOptionsSchema,
  withServerOptions,
} from "../policy/policy-server.ts";
import { createCommand, readOptions, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import { printTable, tableOf } from "../shared/table.ts";
import { untilInterrupted } from "../shared/until-interrupted.ts";

/** Each look asks every worker of every edge. */
const WATCH_EVERY_MS = 2_000;

/** What policy tells of at once. */
const PAGE = 500;

const LIMIT_FAULT = "takes a number from 1 to 10000";

const optionsSchema = serverOptionsSchema.extend({
  tenant: nameSchema.optional(),
  subject: z.string().optional(),
  watch: z.boolean().default(false),
  limit: z.coerce
    .number(LIMIT_FAULT)
    .pipe(z.int(LIMIT_FAULT).min(1, LIMIT_FAULT).max(10_000, LIMIT_FAULT))
    .default(100),
});
type ConnectionsOptions = z.infer<typeof optionsSchema>;

// A newer release may tell more.
const pageSchema = z.object({
  connections: z.array(z.looseObject(openConnectionSchema.shape)),
  next: z.string().optional(),
  partial: z.boolean(),
});

interface Streams {
  readonly connections: readonly OpenConnection[];
  /** An edge did not answer, and may hold more. */
  readonly partial: boolean;
  readonly hasMore: boolean;
}

/** `sluice connections`: the open streams of all edges. */
export function connectionsCommand(terminal: Terminal): Command {
  const command = createCommand("connections", {
    summary: "list the open streams of all edges, and watch them",
    description: `Lists the open streams of all workers of all edges: whose each is, whether it is live or how many entries of the log it is behind and what it waits for, what it was sent, since when, from where, and by what. Without --tenant it lists those of all tenants, which is the operator's.

Where an edge does not answer in time it says so, and ends with 1.`,
    examples: [
      "npx sluice connections",
      "npx sluice connections --tenant demo --subject alice --json",
      "npx sluice connections --watch",
    ],
  })
    .option("--tenant <name>", "those of this tenant")
    .option("--subject <name>", "those of this person; needs --tenant")
    .option("--watch", "look again every two seconds until Ctrl-C")
    .option("--limit <n>", "list at most so many (default: 100)");
  return withServerOptions(command).action(async (given: unknown) => {
    const options = readOptions(optionsSchema, given);
    if (options.subject !== undefined && options.tenant === undefined) throw new UsageError("--subject needs --tenant");
    const server = await openPolicyServer(options, terminal.env);
    if (options.watch) await watch(server, options, terminal);
    else printStreams(await readStreams(server, options), terminal);
  });
}

/** Reads page by page; each asks the edges anew, so a stream that begins meanwhile may be left out. */
async function readStreams(server: PolicyServer, { tenant, subject, limit }: ConnectionsOptions): Promise<Streams> {
  const path = tenant === undefined ? "/v1/connections" : `/v1/tenants/${tenant}/connections`;
  const connections: OpenConnection[] = [];
  let [next, partial]: [string | undefined, boolean] = ["", false];
  while (next !== undefined && connections.length < limit) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, limit - connections.length)) });
    if (next !== "") query.set("after", next);
    if (subject !== undefined) query.set("subject", subject);
    const page: z.infer<typeof pageSchema> = await server.call(
      { method: "GET", path: `${path}?${query.toString()}` },
      pageSchema,
    );
    connections.push(...page.connections);
    partial ||= page.partial;
    next = page.next;
  }
  return { connections, partial, hasMore: next !== undefined };
}

function printStreams({ connections, partial, hasMore }: Streams, { print, warn, endWith }: Terminal): void {
  printTable(HEAD, connections, rowOf, print);
  if (connections.length === 0) warn("no stream is open");
  if (hasMore) warn("there are more: --limit says how many to list");
  if (partial) warn("an edge did not answer, and may hold more");
  if (partial) endWith(1);
}

async function watch(server: PolicyServer, options: ConnectionsOptions, terminal: Terminal): Promise<void> {
  const signal = untilInterrupted();
  while (!signal.aborted) {
    const streams = await readStreams(server, options);
    terminal.print({ at: new Date().toISOString(), ...streams }, () => {
      const { connections, partial, hasMore } = streams;
      const more = `${hasMore ? " and more" : ""}${partial ? ", an edge did not answer" : ""}`;
      const lines = tableOf([HEAD, ...connections.map(rowOf)]);
      // Clears the screen and what was scrolled off it.
      const clear = process.stdout.isTTY ? "\u001B[2J\u001B[3J\u001B[H" : "";
      terminal.say(
        `${clear}${harmless(`${new Date().toISOString()}  ${connections.length} streams${more}\n${lines}`)}`,
      );
    });
    await delay(WATCH_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

const HEAD = ["id", "tenant", "subject", "state", "events", "bytes", "since", "address", "device"];

function rowOf(connection: OpenConnection): string[] {
  const { id, tenant, subject, events, bytes, openedAt, address, userAgent } = connection;
  const state = stateOf(connection);
  return [id, tenant, subject, state, String(events), String(bytes), openedAt, address, userAgent ?? "-"];
}

function stateOf({ state, waitsFor, lastId, horizon, idle }: OpenConnection): string {
  if (state === "live") return idle ? "idle" : "live";
  const [last, newest] = [lastId, horizon].map((id) => parseEventId(id)?.position.seq ?? 0);
  return `behind ${(newest ?? 0) - (last ?? 0)}${waitsFor === null ? "" : ` (${waitsFor})`}`;
}
