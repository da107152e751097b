import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { ScriptError } from "../shared/run-script.ts";

/** A producer's key: the server knows the public half, the producer alone the seed. */
export interface ProducerKey {
  readonly publicKey: string;
  readonly seed: string;
}

/** One that is in use, and its successor: nobody needs more, and a key that is forgotten is a risk. */
const MAX_KEYS = 2;

/** The tenants that have an account for producers in the configuration in `directory`, sorted. */
export async function listProducers(directory: string): Promise<string[]> {
  const files = await readdir(join(directory, "producers")).catch(() => []);
  return files
    .filter((file) => file.endsWith(".conf"))
    .map((file) => file.slice(0, -".conf".length))
    .toSorted();
}

/** The public keys of a tenant's producers, the oldest first; none where they are known by something else. */
export async function keysOf(directory: string, tenant: string): Promise<string[]> {
  const text = await readFile(fileOf(directory, tenant), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new ScriptError(`${tenant} has no producers`) : error;
  });
  return Array.from(text.matchAll(/^\s*nkey: (U[A-Z2-7]{55})$/gm), ([, key = ""]) => key);
}

/**
 * Gives a tenant an account for producers, with a new key.
 * @throws {ScriptError} when it has one.
 */
export async function addProducer(directory: string, tenant: string): Promise<ProducerKey> {
  const { key, publicKey, seed } = newKey();
  await mkdir(join(directory, "producers"), { recursive: true });
  await writeFile(fileOf(directory, tenant), accountOf(tenant, [publicKey]), { flag: "wx" }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new ScriptError(`${tenant} has producers already; bus rotate gives them a new key`);
  });
  await writeIndex(directory);
  key.clear();
  return { publicKey, seed };
}

/**
 * Gives a tenant's producers another key beside the one they have, which goes on to hold.
 * @throws {ScriptError} when they have two, or are known by something else than keys.
 */
export async function addKey(directory: string, tenant: string): Promise<ProducerKey> {
  const keys = await writtenKeysOf(directory, tenant);
  if (keys.length >= MAX_KEYS) throw new ScriptError(`${tenant} has two keys: take one away first with bus retire`);
  const { key, publicKey, seed } = newKey();
  await replaceFile(fileOf(directory, tenant), accountOf(tenant, [...keys, publicKey]));
  key.clear();
  return { publicKey, seed };
}

/**
 * Takes one of the keys of a tenant's producers away.
 * @throws {ScriptError} when it is none of them, or their last.
 */
export async function retireKey(directory: string, tenant: string, publicKey: string): Promise<void> {
  const keys = await writtenKeysOf(directory, tenant);
  const left = keys.filter((each) => each !== publicKey);
  if (left.length === keys.length) throw new ScriptError(`${tenant} has no such key; bus list --json shows its keys`);
  if (left.length === 0) throw new ScriptError(`it is the last key of ${tenant}: bus remove takes the producers away`);
  await replaceFile(fileOf(directory, tenant), accountOf(tenant, left));
}

/**
 * Takes a tenant's account for producers away.
 * @throws {ScriptError} when it has none.
 */
export async function removeProducer(directory: string, tenant: string): Promise<void> {
  const tenants = await listProducers(directory);
  if (!tenants.includes(tenant)) throw new ScriptError(`${tenant} has no producers`);
  // The index first: what it names must be there.
  await writeIndex(directory, tenant);
  await rm(fileOf(directory, tenant));
}

/** Has `producers.conf` name every account's file, except that of a tenant that is about to go. */
export async function writeIndex(directory: string, except?: string): Promise<void> {
  const tenants = (await listProducers(directory)).filter((tenant) => tenant !== except);
  const head = "# Written by `sluice bus`: the accounts of producers, one file for each tenant.\n";
  const lines = tenants.map((tenant) => `include "producers/${tenant}.conf"\n`);
  await replaceFile(join(directory, "producers.conf"), head + lines.join(""));
}

/** The keys of an account whose file this command wrote: another would be lost. */
async function writtenKeysOf(directory: string, tenant: string): Promise<string[]> {
  const keys = await keysOf(directory, tenant);
  const text = await readFile(fileOf(directory, tenant), "utf8");
  if (keys.length > 0 && text === accountOf(tenant, keys)) return keys;
  throw new ScriptError(`the file of ${tenant} was written by hand: change ${fileOf(directory, tenant)} yourself`);
}

function newKey() {
  const key = nkeys.createUser();
  return { key, publicKey: key.getPublicKey(), seed: new TextDecoder().decode(key.getSeed()) };
}

function fileOf(directory: string, tenant: string): string {
  return join(directory, "producers", `${tenant}.conf`);
}

/** Replaced as a whole: a server that reads it meanwhile finds the old one or the new. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

function accountOf(tenant: string, publicKeys: readonly string[]): string {
  const users = publicKeys.map(
    (publicKey) => `    {
      nkey: ${publicKey}
      permissions { publish: ["events.${tenant}.>"], subscribe: ["_INBOX.>"] }
    }
`,
  );
  return `"${tenant}" {
  imports: [{ service: { account: SLUICE, subject: "events.${tenant}.>" } }]
  limits { max_connections: 128, max_subscriptions: 1024, max_payload: 1MB }
  users: [
${users.join("")}  ]
}
`;
}
