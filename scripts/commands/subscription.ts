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
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import { printTable } from "../shared/table.ts";

/** What policy tells of at once. */
const PAGE = 200;

/** The server takes no more ids in one call. */
const IDS_TOGETHER = 100;

const optionsSchema = serverOptionsSchema.extend({ tenant: nameSchema });
const listOptionsSchema = optionsSchema.extend({
  subject: z.string().refine(isFreeName, "takes the name of a person").optional(),
});
const pauseOptionsSchema = optionsSchema.extend({
  until: z.iso.datetime({ offset: true, error: "takes a time such as 2030-01-01T00:00:00Z" }).optional(),
});
const deadOptionsSchema = optionsSchema.extend({
  redeliver: z.boolean().default(false),
  drop: z.boolean().default(false),
  ids: z.array(z.string()).default([]),
});

// A newer release may tell more.
const subscriptionSchema = z.looseObject({
  subject: z.string(),
  name: z.string(),
  state: z.string(),
  pending: z.number().nullable(),
  open: z.number(),
  window: z.number(),
  redelivered: z.number(),
  dead: z.number(),
  holder: z.looseObject({ connectionId: z.string() }).nullable(),
  webhook: z.looseObject({ host: z.string() }).nullable(),
});
const pageSchema = z.object({
  subscriptions: z.array(subscriptionSchema),
  next: z.string().optional(),
  partial: z.boolean(),
});
const letterSchema = z.looseObject({
  id: z.string(),
  deliveries: z.number(),
  reason: z.string(),
  topic: z.string().nullable(),
  at: z.string().nullable(),
});
const detailsSchema = z.looseObject({
  subscription: subscriptionSchema,
  dead: z.array(letterSchema),
  next: z.string().optional(),
});

/** `sluice subscription`: people's durable subscriptions, for operators and administrators. */
export function subscriptionCommand(terminal: Terminal): Command {
  const description = `Durable subscriptions and webhooks of a tenant's people: what each is owed, who holds it, and its dead letters. A change is carried out by the edge that holds it; the audit trail says who made it.`;
  return createGroup("subscription", "look at people's durable subscriptions, and change them", description, [
    listCommand(terminal),
    showCommand(terminal),
    pauseCommand(terminal),
    changeCommand(terminal, "resume", "deliver a paused one again", "POST", "/resume", "delivered again"),
    changeCommand(terminal, "delete", "delete one; its stream ends", "DELETE", "", "deleted"),
    deadCommand(terminal),
  ]);
}

function listCommand({ env, print, warn, endWith }: Terminal): Command {
  const command = createCommand("list", {
    summary: "list the durable subscriptions of a tenant's people",
    description: `Lists durable subscriptions by person and name: state, entries of the log to look at, events that are open of those that may be, open ones that came again, dead letters, and where it goes. Where no edge answers, it says so and ends with 1: some may be expired then.`,
    examples: [
      "npx sluice subscription list --tenant demo",
      "npx sluice subscription list --tenant demo --subject bob --json",
    ],
  })
    .requiredOption("--tenant <name>", "the tenant")
    .option("--subject <name>", "those of this person");
  return withServerOptions(command).action(async (given: unknown) => {
    const { tenant, subject, ...options } = readOptions(listOptionsSchema, given);
    const server = await openPolicyServer(options, env);
    const found: z.infer<typeof subscriptionSchema>[] = [];
    let [next, isPartial]: [string | undefined, boolean] = ["", false];
    while (next !== undefined) {
      const query = new URLSearchParams({ limit: String(PAGE), after: next, ...(subject && { subject }) });
      const path = `/v1/tenants/${tenant}/subscriptions?${query.toString()}`;
      const page: z.infer<typeof pageSchema> = await server.call({ method: "GET", path }, pageSchema);
      found.push(...page.subscriptions);
      isPartial ||= page.partial;
      next = page.next;
    }
    printTable(HEAD, found, rowOf, print);
    if (found.length === 0) warn("there is no durable subscription");
    if (isPartial) warn("an edge did not answer: some may be expired, and the hosts of webhooks are not known");
    if (isPartial) endWith(1);
  });
}

const HEAD = ["subject", "name", "state", "pending", "open", "again", "dead", "goes to"];

function rowOf({ holder, webhook, ...each }: z.infer<typeof subscriptionSchema>): string[] {
  const { subject, name, state, pending, open, window, redelivered, dead } = each;
  const to = webhook?.host ?? holder?.connectionId ?? "-";
  return [subject, name, state, String(pending ?? "?"), `${open}/${window}`, String(redelivered), String(dead), to];
}

function showCommand({ env, print }: Terminal): Command {
  return named("show", {
    summary: "tell all that is known of one, with its dead letters",
    description: `Tells all that is known of a durable subscription, as JSON, with the first 50 events that it has open, and its first 50 dead letters.`,
    examples: ["npx sluice subscription show bob builds --tenant demo"],
  }).action(async (subject: string, name: string, given: unknown) => {
    const { tenant, ...options } = readOptions(optionsSchema, given);
    const server = await openPolicyServer(options, env);
    const details = await server.call({ method: "GET", path: pathOf(tenant, subject, name) }, detailsSchema);
    print(details, harmless(JSON.stringify(details, undefined, 2)));
  });
}

function pauseCommand({ env, print }: Terminal): Command {
  return named("pause", {
    summary: "deliver nothing of one until it is resumed",
    description: `Pauses a durable subscription: its stream stays, and gets nothing. What it is owed is kept.`,
    examples: [
      "npx sluice subscription pause bob builds --tenant demo",
      "npx sluice subscription pause bob builds --tenant demo --until 2030-01-01T00:00:00Z",
    ],
  })
    .option("--until <time>", "it goes on by itself then")
    .action(async (subject: string, name: string, given: unknown) => {
      const { tenant, until, ...options } = readOptions(pauseOptionsSchema, given);
      const server = await openPolicyServer(options, env);
      const body = JSON.stringify(until === undefined ? {} : { until });
      await server.read({ method: "POST", path: `${pathOf(tenant, subject, name)}/pause`, body });
      print({ tenant, subject, subscription: name, paused: until ?? true }, `${name} of ${subject} is paused`);
    });
}

function changeCommand(
  { env, print }: Terminal,
  verb: "resume" | "delete",
  summary: string,
  method: "POST" | "DELETE",
  behind: string,
  done: string,
): Command {
  const description =
    verb === "delete"
      ? "Deletes a durable subscription. Its stream ends, and what is owed is delivered no more; the events stay in the log."
      : "Has a paused durable subscription delivered again, with all that has come meanwhile.";
  const examples = [`npx sluice subscription ${verb} bob builds --tenant demo`];
  return named(verb, { summary, description, examples }).action(
    async (subject: string, name: string, given: unknown) => {
      const { tenant, ...options } = readOptions(optionsSchema, given);
      const server = await openPolicyServer(options, env);
      await server.read({ method, path: `${pathOf(tenant, subject, name)}${behind}` });
      print({ tenant, subject, subscription: name, [`${verb}d`]: true }, `${name} of ${subject} is ${done}`);
    },
  );
}

function deadCommand({ env, print, warn }: Terminal): Command {
  return named("dead", {
    summary: "list the dead letters of one, deliver them once more, or drop them",
    description: `Lists the dead letters of a durable subscription: events that it delivers no more, with how often each was delivered, and why no more. With --redeliver or --drop it does so to all of them, or to those that --ids names.`,
    examples: [
      "npx sluice subscription dead bob builds --tenant demo",
      "npx sluice subscription dead bob builds --tenant demo --redeliver",
      `npx sluice subscription dead bob builds --tenant demo --drop --ids "$ID"   # ID: an id that it lists`,
    ],
  })
    .option("--redeliver", "deliver them once more")
    .option("--drop", "drop them for good")
    .option("--ids <id...>", "these alone, up to 100")
    .action(async (subject: string, name: string, given: unknown) => {
      const { tenant, redeliver, drop, ids, ...options } = readOptions(deadOptionsSchema, given);
      if (redeliver && drop) throw new UsageError("--redeliver and --drop exclude each other");
      if (ids.length > IDS_TOGETHER) throw new UsageError(`--ids takes ${IDS_TOGETHER} at most`);
      const server = await openPolicyServer(options, env);
      const path = pathOf(tenant, subject, name);
      if (redeliver || drop) {
        const body = JSON.stringify(ids.length === 0 ? { all: true } : { ids });
        await server.read({ method: "POST", path: `${path}/dead/${redeliver ? "redeliver" : "drop"}`, body });
        const done = redeliver ? "delivered once more" : "dropped";
        print({ tenant, subject, subscription: name, dead: ids.length === 0 ? "all" : ids, done }, `they are ${done}`);
        return;
      }
      const letters = await readLetters(server, path);
      for (const letter of letters) {
        const { id, topic, at, deliveries, reason } = letter;
        print(letter, harmless(`${id}  ${at ?? "-"}  ${topic ?? "(gone)"}  ${deliveries}×  ${reason}`));
      }
      if (letters.length === 0) warn("it has no dead letters");
    });
}

async function readLetters(server: PolicyServer, path: string): Promise<z.infer<typeof letterSchema>[]> {
  const letters: z.infer<typeof letterSchema>[] = [];
  let query: string | undefined = "";
  while (query !== undefined) {
    const page: z.infer<typeof detailsSchema> = await server.call(
      { method: "GET", path: `${path}${query}` },
      detailsSchema,
    );
    letters.push(...page.dead);
    query = page.next === undefined ? undefined : `?after=${page.next}`;
  }
  return letters;
}

/** A command about one subscription. */
function named(verb: string, about: Parameters<typeof createCommand>[1]): Command {
  const command = createCommand(verb, about)
    .argument("<subject>", "the person whose subscription it is")
    .argument("<name>", "the subscription's name")
    .requiredOption("--tenant <name>", "the tenant");
  return withServerOptions(command);
}

function pathOf(tenant: string, subject: string, name: string): string {
  if (!isFreeName(subject)) throw new UsageError("name the person as list does");
  if (!isName(name)) throw new UsageError("name the subscription as list does");
  return `/v1/tenants/${tenant}/subscriptions/${encodeURIComponent(subject)}/${name}`;
}
