import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { addProducer, listProducers, removeProducer } from "../bus/producers.ts";
import { reloadServer } from "../bus/reload-server.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { projectPath } from "../shared/project-folder.ts";
import { ScriptError, UsageError } from "../shared/run-script.ts";

/** For a server that runs elsewhere. */
const RELOAD_IT = `nats-server takes this up when it starts, or is told to, twice, with a second between:
  docker compose kill -s HUP nats
  nats-server --signal reload=<pid>`;

const SEED_IS_SHOWN = "Their seed is shown this once and stands nowhere else:";

/** The accounts of infra/nats/nats.conf that are no tenant's. */
const OURS = ["SLUICE", "EDGE", "SYS"];

const placesSchema = z.object({ dir: z.string().optional(), pidFile: z.string().optional() });

/** `sluice bus`: who may publish events on the bus. */
export function busCommand(terminal: Terminal): Command {
  const description =
    "The accounts of producers on the bus. Each may publish the events of one tenant, and nothing else.";
  const commands = [listCommand(terminal), addCommand(terminal), removeCommand(terminal)];
  return createGroup("bus", "say which tenants have producers on the bus", description, commands);
}

function listCommand({ print }: Terminal): Command {
  return createCommand("list", {
    summary: "list the tenants that have producers",
    description: "Lists the tenants that have an account for producers.",
    examples: ["npx sluice bus list"],
  })
    .option("--dir <folder>", "where nats.conf is (default: infra/nats)")
    .action(async (options: unknown) => {
      for (const tenant of await listProducers(readPlaces(options).directory)) print({ tenant }, tenant);
    });
}

function addCommand(terminal: Terminal): Command {
  const command = createCommand("add", {
    summary: "give a tenant an account for producers",
    description: `Makes an account for a tenant's producers and prints the seed of its key. The seed is printed this once: nats-server knows the public key alone.`,
    examples: ["npx sluice bus add acme"],
  }).argument("<tenant>", "the tenant; a name that begins with a dash comes after --");
  return withPlaces(command).action(async (name: string, options: unknown) => {
    const tenant = readTenant(name);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    const { publicKey, seed } = await addProducer(directory, tenant);
    const known = `${tenant} has producers on the bus, known by the key ${publicKey}.`;
    terminal.print({ tenant, publicKey, seed }, `${known}\n${SEED_IS_SHOWN}\n\n  ${seed}\n`);
    await reload(pidFile, terminal);
  });
}

function removeCommand(terminal: Terminal): Command {
  const command = createCommand("remove", {
    summary: "take a tenant's account for producers away",
    description: "Takes a tenant's account for producers away. Producers that are connected by it are cut off.",
    examples: ["npx sluice bus remove acme"],
  }).argument("<tenant>", "the tenant; a name that begins with a dash comes after --");
  return withPlaces(command).action(async (name: string, options: unknown) => {
    const tenant = readTenant(name);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    await removeProducer(directory, tenant);
    terminal.print({ tenant, removed: true }, `${tenant} has no producers on the bus any more.`);
    await reload(pidFile, terminal);
  });
}

function withPlaces(command: Command): Command {
  return command
    .option("--dir <folder>", "where nats.conf is (default: infra/nats)")
    .option("--pid-file <file>", "the process id file of the nats-server to reload (default: the one of npm start)");
}

function readPlaces(options: unknown, env: NodeJS.ProcessEnv = {}): { directory: string; pidFile: string } {
  const { dir, pidFile } = readOptions(placesSchema, options);
  const directory = dir ?? projectPath("infra", "nats");
  if (existsSync(join(directory, "nats.conf"))) return { directory, pidFile: pidFile ?? defaultPidFile(env) };
  throw new ScriptError(`there is no nats.conf in ${directory}; --dir says where it is`);
}

/** Where the server that `npm start` runs writes its process id. */
function defaultPidFile(env: NodeJS.ProcessEnv): string {
  return join(resolve(projectPath(), env["SLUICE_DATA_DIR"] || ".sluice/data"), "nats", "nats-server.pid");
}

function readTenant(name: string): string {
  if (!nameSchema.safeParse(name).success) throw new UsageError("a tenant's name is 1 to 64 of A-Z a-z 0-9 _ -");
  if (OURS.includes(name)) throw new UsageError(`the account ${name} is one of Sluice's own`);
  return name;
}

async function reload(pidFile: string, { say }: Terminal): Promise<void> {
  say((await reloadServer(pidFile)) ? "nats-server was told, and has read it." : RELOAD_IT);
}
