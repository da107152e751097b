import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { readAdministratorToken, withTokenOption } from "../policy/policy-server.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { UsageError } from "../shared/run-script.ts";
import { askService, callService, isDemo, type ServiceCall, urlOfService } from "../shared/service-calls.ts";

const optionsSchema = z.object({ tenant: nameSchema, url: z.string().optional(), tokenFile: z.string().optional() });
const addOptionsSchema = optionsSchema.extend({ scope: z.string().optional() });
const withdrawOptionsSchema = optionsSchema.extend({
  secret: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "takes the number of a secret")
    .optional(),
});

const secretSchema = z.looseObject({ number: z.int(), created_at: z.string(), last_used_at: z.string().optional() });
const clientsSchema = z.object({
  clients: z.array(
    z.looseObject({
      client_id: z.string(),
      from: z.string(),
      state: z.string(),
      secrets: z.array(secretSchema).default([]),
    }),
  ),
});
const madeSchema = z.looseObject({ client_id: z.string(), secret_number: z.int(), client_secret: z.string() });

/** `sluice client`: the keys by which a tenant's programs publish over HTTP. */
export function clientCommand(terminal: Terminal): Command {
  const description = `The service clients of a tenant, which get tokens by client credentials. Clients of AUTH_CLIENTS_FILE are listed, and changed in the file. The operator may do this, and whoever has the permission client:admin in the tenant.`;
  return createGroup("client", "list, make, rotate and withdraw producers' keys", description, [
    listCommand(terminal),
    addCommand(terminal),
    rotateCommand(terminal),
    withdrawCommand(terminal),
  ]);
}

function listCommand(terminal: Terminal): Command {
  const command = createCommand("list", {
    summary: "list a tenant's clients and their secrets",
    description:
      "Lists a tenant's clients: id, where it is kept, its state, and of each secret its number, when it was made and when it was used last, to the minute.",
    examples: ["npx sluice client list --tenant demo"],
  });
  return withOptions(command).action(async (given: unknown) => {
    const auth = await openAuth(readOptions(optionsSchema, given), terminal);
    const { clients } = await auth.ask({ method: "GET", path: "" }, clientsSchema);
    for (const client of clients) {
      const { client_id: id, from, state, secrets } = client;
      const lines = secrets.map(
        ({ number, created_at: madeAt, last_used_at: usedAt }) =>
          `  secret ${number}  made ${madeAt}  ${usedAt === undefined ? "never used" : `used ${usedAt}`}`,
      );
      terminal.print(client, [`${id}  ${from}  ${state}`, ...lines].join("\n"));
    }
  });
}

function addCommand(terminal: Terminal): Command {
  const command = createCommand("add", {
    summary: "make a client, and print its secret this once",
    description:
      "Makes a client and prints its id and its secret, which nobody can show again. It may do nothing until the tenant's policy says what, and without --scope publishes only.",
    examples: [
      "npx sluice client add orders --tenant demo",
      `npx sluice client add orders --tenant demo --scope "order:publish@order.created.>"`,
    ],
  })
    .argument("<name>", "what the client is called; part of its id")
    .option("--scope <scope>", "what its tokens are limited to; else *:publish");
  return withOptions(command).action(async (name: string, given: unknown) => {
    const { scope, ...options } = readOptions(addOptionsSchema, given);
    const auth = await openAuth(options, terminal);
    const body = JSON.stringify({ name, ...(scope === undefined ? {} : { scope }) });
    printSecret(await auth.ask({ method: "POST", path: "", body }, madeSchema), terminal);
  });
}

function rotateCommand(terminal: Terminal): Command {
  const command = createCommand("rotate", {
    summary: "give a client a second secret, and print it this once",
    description:
      "Gives a client a second secret and prints it. Both are good, until the old one is withdrawn: do that once list says that it is used no more.",
    examples: [`npx sluice client rotate "$ID" --tenant demo   # ID: a client id that list prints`],
  }).argument("<client>", "the client's id");
  return withOptions(command).action(async (id: string, given: unknown) => {
    const auth = await openAuth(readOptions(optionsSchema, given), terminal);
    printSecret(await auth.ask({ method: "POST", path: `/${idOf(id)}/secrets` }, madeSchema), terminal);
  });
}

function withdrawCommand(terminal: Terminal): Command {
  const command = createCommand("withdraw", {
    summary: "withdraw one secret of a client, or the whole client",
    description:
      "Takes a secret away, or with it all the client's. No token is issued for it any more, and the tokens that were are refused.",
    examples: [
      `npx sluice client withdraw "$ID" --secret 1 --tenant demo   # the old one, after rotate`,
      `npx sluice client withdraw "$ID" --tenant demo`,
    ],
  })
    .argument("<client>", "the client's id")
    .option("--secret <number>", "this secret alone; else the client with all of them");
  return withOptions(command).action(async (id: string, given: unknown) => {
    const { secret, ...options } = readOptions(withdrawOptionsSchema, given);
    const auth = await openAuth(options, terminal);
    const path = secret === undefined ? `/${idOf(id)}` : `/${idOf(id)}/secrets/${secret}`;
    await auth.call({ method: "DELETE", path });
    const what = secret === undefined ? id : `secret ${secret} of ${id}`;
    terminal.print({ client_id: id, ...(secret && { secret_number: Number(secret) }) }, `${what} is withdrawn`);
  });
}

function withOptions(command: Command): Command {
  const withTenant = command
    .requiredOption("--tenant <name>", "whose clients these are")
    .option("--url <url>", "where auth is; else AUTH_URL, else http://127.0.0.1:8081");
  return withTokenOption(withTenant);
}

/** auth's API of a tenant's clients, as somebody with a token; paths begin behind it. */
async function openAuth({ tenant, url, tokenFile }: z.infer<typeof optionsSchema>, { env }: Terminal) {
  const base = urlOfService("auth", env, url);
  const token = await readAdministratorToken(tokenFile, env, isDemo("auth", env, url));
  const callOf = (call: Pick<ServiceCall, "method" | "path" | "body">): ServiceCall => ({
    ...call,
    path: `/v1/auth/tenants/${tenant}/clients${call.path}`,
    token,
  });
  return {
    call: (call: Pick<ServiceCall, "method" | "path">) => callService("auth", base, callOf(call)),
    ask: <Schema extends z.ZodType>(call: Pick<ServiceCall, "method" | "path" | "body">, schema: Schema) =>
      askService("auth", base, callOf(call), schema),
  };
}

function idOf(text: string): string {
  if (nameSchema.safeParse(text).success) return text;
  throw new UsageError("name the client by the id that list prints");
}

function printSecret(made: z.infer<typeof madeSchema>, { print, warn }: Terminal): void {
  warn("this secret is shown once; auth keeps its hash alone");
  print(made, `${made.client_id}\n${made.client_secret}`);
}
