import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { ScriptError } from "../shared/run-script.ts";

/** A producer's key: the server knows the public half, the producer alone the seed. */
export interface ProducerKey {
  readonly publicKey: string;
  readonly seed: string;
}

/** The tenants that have an account for producers in the configuration in `directory`, sorted. */
export async function listProducers(directory: string): Promise<string[]> {
  const files = await readdir(join(directory, "producers")).catch(() => []);
  return files
    .filter((file) => file.endsWith(".conf"))
    .map((file) => file.slice(0, -".conf".length))
    .toSorted();
}

/**
 * Gives a tenant an account for producers, with a new key.
 * @throws {ScriptError} when it has one.
 */
export async function addProducer(directory: string, tenant: string): Promise<ProducerKey> {
  const key = nkeys.createUser();
  const publicKey = key.getPublicKey();
  await mkdir(join(directory, "producers"), { recursive: true });
  await writeFile(fileOf(directory, tenant), accountOf(tenant, publicKey), { flag: "wx" }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new ScriptError(`${tenant} has producers already; remove them first for a new key`);
  });
  await writeIndex(directory, await listProducers(directory));
  return { publicKey, seed: new TextDecoder().decode(key.getSeed()) };
}

/**
 * Takes a tenant's account for producers away.
 * @throws {ScriptError} when it has none.
 */
export async function removeProducer(directory: string, tenant: string): Promise<void> {
  const tenants = await listProducers(directory);
  if (!tenants.includes(tenant)) throw new ScriptError(`${tenant} has no producers`);
  // The index first: what it names must be there.
  await writeIndex(
    directory,
    tenants.filter((other) => other !== tenant),
  );
  await rm(fileOf(directory, tenant));
}

function fileOf(directory: string, tenant: string): string {
  return join(directory, "producers", `${tenant}.conf`);
}

/** Replaced as a whole: a server that reads it meanwhile finds the old one or the new. */
async function writeIndex(directory: string, tenants: readonly string[]): Promise<void> {
  const lines = tenants.map((tenant) => `include "producers/${tenant}.conf"\n`);
  const index = join(directory, "producers.conf");
  const head = "# Written by `sluice bus`: the accounts of producers, one file for each tenant.\n";
  await writeFile(`${index}.new`, head + lines.join(""));
  await rename(`${index}.new`, index);
}

function accountOf(tenant: string, publicKey: string): string {
  return `"${tenant}" {
  imports: [{ service: { account: SLUICE, subject: "events.${tenant}.>" } }]
  limits { max_connections: 128, max_subscriptions: 1024, max_payload: 1MB }
  users: [
    {
      nkey: ${publicKey}
      permissions { publish: ["events.${tenant}.>"], subscribe: ["_INBOX.>"] }
    }
  ]
}
`;
}
