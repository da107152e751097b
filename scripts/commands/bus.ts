import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { busDirectory } from "../bus/bus-directory.ts";
import { prepareBus, readRegion } from "../bus/prepare-bus.ts";
import {
  addKey,
  addProducer,
  homeOf,
  keysOf,
  listProducers,
  type ProducerKey,
  removeProducer,
  retireKey,
} from "../bus/producers.ts";
import { reloadServer } from "../bus/reload-server.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { accountNames } from "../region/home-accounts.ts";
import { dataFolder } from "../shared/data-folder.ts";
import { ScriptError, UsageError } from "../shared/run-script.ts";

/** For a server that runs elsewhere. */
const RELOAD_IT = `nats-server takes this up when it starts, or is told to, twice, with a second between:
  docker compose kill -s HUP nats
  nats-server --signal reload=<pid>`;

const SEED_IS_SHOWN = "Their seed is shown this once and stands nowhere else:";

const placesSchema = z.object({ dir: z.string().optional(), pidFile: z.string().optional() });

const homeSchema = z.object({ home: z.string().optional() });

const TENANT = "the tenant; a name that begins with a dash comes after --";

/** `sluice bus`: who may publish events on the bus. */
export function busCommand(terminal: Terminal): Command {
  const description = `The accounts of producers on the bus. Each may publish the events of one tenant, and nothing else.

They stand in the folder of nats-server's configuration: --dir, else SLUICE_BUS_DIR, else the one that npm start made.`;
  return createGroup("bus", "say which tenants have producers on the bus, and by which keys", description, [
    listCommand(terminal),
    addCommand(terminal),
    rotateCommand(terminal),
    retireCommand(terminal),
    removeCommand(terminal),
    prepareCommand(terminal),
  ]);
}

function listCommand({ env, print }: Terminal): Command {
  const command = createCommand("list", {
    summary: "list the tenants that have producers, and their keys",
    description: "Lists the tenants that have an account for producers, with the public keys of those that have any.",
    examples: ["npx sluice bus list"],
  });
  return withDirectory(command).action(async (options: unknown) => {
    const { directory } = readPlaces(options, env);
    for (const tenant of await listProducers(directory)) {
      const [keys, home] = [await keysOf(directory, tenant), await homeOf(directory, tenant)];
      const named = home === undefined ? tenant : `${tenant} (home ${home})`;
      print({ tenant, keys, ...(home !== undefined && { home }) }, [named, ...keys].join("  "));
    }
  });
}

function addCommand(terminal: Terminal): Command {
  const command = createCommand("add", {
    summary: "give a tenant an account for producers",
    description: `Makes an account for a tenant's producers and prints the seed of its key. The seed is printed this once: nats-server knows the public key alone.`,
    examples: ["npx sluice bus add acme"],
  })
    .argument("<tenant>", TENANT)
    .option("--home <home>", "the tenant's home, where that is another region's");
  return withPlaces(command).action(async (name: string, options: unknown) => {
    const tenant = await readTenant(name, options, terminal.env);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    const home = await readHome(options, directory);
    const key = await addProducer(directory, { tenant, home });
    printKey(tenant, key, `${tenant} has producers on the bus, known by the key ${key.publicKey}.`, terminal);
    await reload(pidFile, terminal);
  });
}

function rotateCommand(terminal: Terminal): Command {
  const command = createCommand("rotate", {
    summary: "give a tenant's producers another key, beside the one they have",
    description: `Makes another key for a tenant's producers and prints its seed, this once. Both keys hold: give the producers the new seed, then take the old key away with bus retire. Nobody is cut off meanwhile.`,
    examples: ["npx sluice bus rotate acme"],
  }).argument("<tenant>", TENANT);
  return withPlaces(command).action(async (name: string, options: unknown) => {
    const tenant = await readTenant(name, options, terminal.env);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    const key = await addKey(directory, tenant);
    printKey(tenant, key, `The producers of ${tenant} are known by the key ${key.publicKey} too.`, terminal);
    await reload(pidFile, terminal);
  });
}

function retireCommand(terminal: Terminal): Command {
  const command = createCommand("retire", {
    summary: "take one of the keys of a tenant's producers away",
    description: "Takes a key of a tenant's producers away. Who is connected by it is cut off, nobody else.",
    examples: [`npx sluice bus retire acme "$KEY"   # KEY: a public key that list prints`],
  })
    .argument("<tenant>", TENANT)
    .argument("<key>", "the public key, which begins with U");
  return withPlaces(command).action(async (name: string, publicKey: string, options: unknown) => {
    const tenant = await readTenant(name, options, terminal.env);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    await retireKey(directory, tenant, publicKey);
    terminal.print({ tenant, retired: publicKey }, `The key ${publicKey} of ${tenant} holds no more.`);
    await reload(pidFile, terminal);
  });
}

function removeCommand(terminal: Terminal): Command {
  const command = createCommand("remove", {
    summary: "take a tenant's account for producers away",
    description: "Takes a tenant's account for producers away. Producers that are connected by it are cut off.",
    examples: ["npx sluice bus remove acme"],
  }).argument("<tenant>", TENANT);
  return withPlaces(command).action(async (name: string, options: unknown) => {
    const tenant = await readTenant(name, options, terminal.env);
    const { directory, pidFile } = readPlaces(options, terminal.env);
    await removeProducer(directory, tenant);
    terminal.print({ tenant, removed: true }, `${tenant} has no producers on the bus any more.`);
    await reload(pidFile, terminal);
  });
}

function prepareCommand({ env, print }: Terminal): Command {
  const command = createCommand("prepare", {
    summary: "write nats-server's configuration into a folder of your own",
    description: `Writes nats-server's configuration, as this release has it, into a folder, and keeps the producers that the folder has. npm start and docker compose do it at each start. Start nats-server with -c <folder>/nats.conf; the passwords of its users come from the environment, as the file says.`,
    examples: ["npx sluice bus prepare --dir .sluice/nats"],
  });
  return withDirectory(command).action(async (options: unknown) => {
    const directory = busDirectory(readOptions(placesSchema, options).dir, env);
    await prepareBus(directory);
    print({ directory }, `${join(directory, "nats.conf")} is what nats-server is to read`);
  });
}

function withDirectory(command: Command): Command {
  return command.option("--dir <folder>", "where nats.conf is; else SLUICE_BUS_DIR, else that of npm start");
}

function withPlaces(command: Command): Command {
  return withDirectory(command).option(
    "--pid-file <file>",
    "the process id file of the nats-server to reload (default: the one of npm start)",
  );
}

function readPlaces(options: unknown, env: NodeJS.ProcessEnv): { directory: string; pidFile: string } {
  const { dir, pidFile } = readOptions(placesSchema, options);
  const directory = busDirectory(dir, env);
  // The server of npm start reads no other folder.
  const ofStart = directory === busDirectory(undefined, { ...env, SLUICE_BUS_DIR: "" });
  const places = { directory, pidFile: pidFile ?? (ofStart ? join(dataFolder(env), "nats", "nats-server.pid") : "") };
  if (existsSync(join(directory, "nats.conf"))) return places;
  throw new ScriptError(
    `there is no nats.conf in ${directory}; npm start makes one, and so does sluice bus prepare. --dir says where it is`,
  );
}

async function readTenant(name: string, options: unknown, env: NodeJS.ProcessEnv): Promise<string> {
  if (!nameSchema.safeParse(name).success) throw new UsageError("a tenant's name is 1 to 64 of A-Z a-z 0-9 _ -");
  const { homes = [] } = (await readRegion(busDirectory(readOptions(placesSchema, options).dir, env))) ?? {};
  const ours = ["SYS", ...accountNames(), ...homes.flatMap((home) => accountNames(home.name))];
  if (ours.includes(name)) throw new UsageError(`the account ${name} is one of Sluice's own`);
  return name;
}

async function readHome(options: unknown, directory: string): Promise<string | undefined> {
  const { home } = readOptions(homeSchema, options);
  const { homes = [] } = (await readRegion(directory)) ?? {};
  if (home === undefined || homes.some(({ name }) => name === home)) return home;
  throw new UsageError(`${directory} has no home ${home}: sluice region config --home adds one`);
}

function printKey(tenant: string, { publicKey, seed }: ProducerKey, known: string, { print }: Terminal): void {
  print({ tenant, publicKey, seed }, `${known}\n${SEED_IS_SHOWN}\n\n  ${seed}\n`);
}

async function reload(pidFile: string, { say }: Terminal): Promise<void> {
  say((await reloadServer(pidFile)) ? "nats-server was told, and has read it." : RELOAD_IT);
}
