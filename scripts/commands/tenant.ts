import type { Command } from "commander";
import { z } from "zod";
import {
  openPolicyServer,
  type PolicyServer,
  serverOptionsSchema,
  tenantPath,
  withServerOptions,
} from "../policy/policy-server.ts";
import {
  collect,
  type CommandHelp,
  createCommand,
  createGroup,
  readOptions,
  type Terminal,
} from "../shared/command.ts";
import { confirm } from "../shared/confirm.ts";
import { printTable } from "../shared/table.ts";

const limitsSchema = z.record(z.string(), z.union([z.number(), z.string()]));
const tenantSchema = z.looseObject({
  tenant: z.string(),
  state: z.string(),
  version: z.int(),
  limits: limitsSchema,
  usage: z.looseObject({ messages: z.number(), bytes: z.number() }).optional(),
});
type Tenant = z.infer<typeof tenantSchema>;
const tenantsSchema = z.object({ tenants: z.array(tenantSchema) });
const changedSchema = z.looseObject({ tenant: z.string() });

const limitsOptionsSchema = serverOptionsSchema.extend({
  set: z.array(z.string().regex(/^[a-zA-Z]+=./, "takes <name>=<value>, such as connections=100")).optional(),
  unset: z.array(z.string()).optional(),
});
const deleteOptionsSchema = serverOptionsSchema.extend({ yes: z.boolean().default(false) });

/** `sluice tenant`: tenants as a whole. */
export function tenantCommand(terminal: Terminal): Command {
  const description = `Tenants as a whole: each has a log, a policy and limits of its own. All but show and limits without changes are the operator's.`;
  return createGroup("tenant", "list, make, limit, suspend and delete tenants", description, [
    listCommand(terminal),
    showCommand(terminal),
    changeCommand(terminal, "create", "PUT", "", {
      summary: "make a tenant with its log",
      description:
        "Makes a tenant with its log, in which nobody may do anything yet. One that is there stays as it is.",
      examples: ["npx sluice tenant create acme"],
    }),
    limitsCommand(terminal),
    changeCommand(terminal, "suspend", "POST", "/suspend", {
      summary: "take a tenant out of use",
      description:
        "Takes a tenant out of use: its streams end and its events find nobody to store them. Nothing is lost.",
      examples: ["npx sluice tenant suspend acme"],
    }),
    changeCommand(terminal, "resume", "POST", "/resume", {
      summary: "take a suspended tenant back into use",
      description: "Takes a suspended tenant back into use, with the same log, the same ids and the same sessions.",
      examples: ["npx sluice tenant resume acme"],
    }),
    deleteCommand(terminal),
  ]);
}

function listCommand({ env, print }: Terminal): Command {
  const command = createCommand("list", {
    summary: "list all tenants, their state and what their logs hold",
    description: "Lists all tenants: state, version of the policy, tier, and what the log holds.",
    examples: ["npx sluice tenant list"],
  });
  return withServerOptions(command).action(async (given: unknown) => {
    const server = await openPolicyServer(readOptions(serverOptionsSchema, given), env);
    const { tenants } = await server.call({ method: "GET", path: "/v1/tenants" }, tenantsSchema);
    printTable(["tenant", "state", "version", "tier", "events", "bytes"], tenants, rowOf, print);
  });
}

function rowOf({ tenant, state, version, limits, usage }: Tenant): string[] {
  const [messages, bytes] = usage === undefined ? ["-", "-"] : [String(usage.messages), String(usage.bytes)];
  return [tenant, state, String(version), String(limits["tier"] ?? "-"), messages, bytes];
}

function showCommand({ env, print }: Terminal): Command {
  const command = createCommand("show", {
    summary: "print a tenant's state, limits and usage",
    description: "Prints a tenant's state, its limits and what its log holds.",
    examples: ["npx sluice tenant show demo"],
  }).argument("<tenant>", "the tenant");
  return withServerOptions(command).action(async (name: string, given: unknown) => {
    const path = tenantPath(name);
    const server = await openPolicyServer(readOptions(serverOptionsSchema, given), env);
    const tenant = await server.call({ method: "GET", path }, tenantSchema);
    print(tenant, JSON.stringify(tenant, null, 2));
  });
}

function changeCommand(terminal: Terminal, name: string, method: "PUT" | "POST", below: string, help: CommandHelp) {
  const { env, print } = terminal;
  const command = createCommand(name, help).argument("<tenant>", "the tenant");
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const path = `${tenantPath(tenant)}${below}`;
    const server = await openPolicyServer(readOptions(serverOptionsSchema, given), env);
    await server.call({ method, path }, changedSchema);
    const { state } = await server.call({ method: "GET", path: tenantPath(tenant) }, tenantSchema);
    print({ tenant, state }, `${tenant} is ${state}`);
  });
}

function limitsCommand({ env, print }: Terminal): Command {
  const command = createCommand("limits", {
    summary: "print a tenant's limits, and change some of them",
    description: `Prints what a tenant may use otherwise than its tier says. --set and --unset change some of it, and leave the rest; they are the operator's. docs/operate/limits.md lists every limit.`,
    examples: [
      "npx sluice tenant limits demo",
      "npx sluice tenant limits demo --set tier=premium --set connections=5000 --unset historyBytes",
    ],
  })
    .argument("<tenant>", "the tenant")
    .option("--set <name=value>", "a limit, such as connections=100, or tier=basic; repeatable", collect)
    .option("--unset <name>", "leave this limit to the tier; repeatable", collect);
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const { set, unset, ...options } = readOptions(limitsOptionsSchema, given);
    const path = tenantPath(tenant);
    const server = await openPolicyServer(options, env);
    if (set !== undefined || unset !== undefined) await changeLimits(server, path, set ?? [], unset ?? []);
    const { limits } = await server.call({ method: "GET", path }, tenantSchema);
    const lines = Object.entries(limits).map(([name, value]) => `${name}  ${value}`);
    print({ tenant, limits }, lines.length === 0 ? "none of its own: what its tier says" : lines.join("\n"));
  });
}

async function changeLimits(server: PolicyServer, path: string, set: readonly string[], unset: readonly string[]) {
  const { limits } = await server.call({ method: "GET", path }, tenantSchema);
  const changed = { ...limits };
  for (const name of unset) delete changed[name];
  for (const [name = "", value = ""] of set.map((each) => each.split("=", 2))) {
    changed[name] = /^\d+$/.test(value) ? Number(value) : value;
  }
  await server.call({ method: "PUT", path: `${path}/limits`, body: JSON.stringify(changed) }, changedSchema);
}

function deleteCommand(terminal: Terminal): Command {
  const command = createCommand("delete", {
    summary: "delete a tenant with everything, for good",
    description: "Deletes a tenant with its events, its policy and its sessions. Nothing brings them back.",
    examples: ["npx sluice tenant delete acme --yes"],
  })
    .argument("<tenant>", "the tenant")
    .option("--yes", "do not ask for confirmation");
  return withServerOptions(command).action(async (tenant: string, given: unknown) => {
    const { yes, ...options } = readOptions(deleteOptionsSchema, given);
    const path = tenantPath(tenant);
    const server = await openPolicyServer(options, terminal.env);
    terminal.warn(`deletes tenant ${tenant} with all its events for good (${server.url})`);
    if (!yes) await confirm(tenant, "nothing was deleted", terminal);
    await server.call({ method: "DELETE", path: `${path}?confirm=${tenant}` }, changedSchema);
    terminal.print({ tenant, state: "deleted" }, `${tenant} is deleted; its log goes in a minute`);
  });
}
