import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { accountNames } from "../region/home-accounts.ts";
import { replaceFile } from "../shared/replace-file.ts";
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

/** Whose producers they are: a tenant, and its home where that is another region's. */
export interface Producers {
  readonly tenant: string;
  readonly home?: string | undefined;
}

/** The public keys of a tenant's producers, the oldest first; none where they are known by something else. */
export async function keysOf(directory: string, tenant: string): Promise<string[]> {
  const text = await readAccount(directory, tenant);
  return Array.from(text.matchAll(/^\s*nkey: (U[A-Z2-7]{55})$/gm), ([, key = ""]) => key);
}

/** The home of a tenant that has producers; undefined for the region's own. */
export async function homeOf(directory: string, tenant: string): Promise<string | undefined> {
  return /account: "SLUICE_([^"]+)"/.exec(await readAccount(directory, tenant))?.[1];
}

async function readAccount(directory: string, tenant: string): Promise<string> {
  return readFile(fileOf(directory, tenant), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new ScriptError(`${tenant} has no producers`) : error;
  });
}

/**
 * Gives a tenant an account for producers, with a new key.
 * @throws {ScriptError} when it has one.
 */
export async function addProducer(directory: string, producers: Producers): Promise<ProducerKey> {
  const { tenant } = producers;
  const { key, publicKey, seed } = newKey();
  await mkdir(join(directory, "producers"), { recursive: true });
  await writeFile(fileOf(directory, tenant), accountOf(producers, [publicKey]), { flag: "wx" }).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new ScriptError(`${tenant} has producers already; bus rotate gives them a new key`);
    },
  );
  await writeIndex(directory);
  key.clear();
  return { publicKey, seed };
}

/**
 * Gives a tenant's producers another key beside the one they have, which goes on to hold.
 * @throws {ScriptError} when they have two, or are known by something else than keys.
 */
export async function addKey(directory: string, tenant: string): Promise<ProducerKey> {
  const { producers, keys } = await readWritten(directory, tenant);
  if (keys.length >= MAX_KEYS) throw new ScriptError(`${tenant} has two keys: take one away first with bus retire`);
  const { key, publicKey, seed } = newKey();
  await replaceFile(fileOf(directory, tenant), accountOf(producers, [...keys, publicKey]));
  // The command that made the account may have died before the server's configuration named it.
  await writeIndex(directory);
  key.clear();
  return { publicKey, seed };
}

/**
 * Takes one of the keys of a tenant's producers away.
 * @throws {ScriptError} when it is none of them, or their last.
 */
export async function retireKey(directory: string, tenant: string, publicKey: string): Promise<void> {
  const { producers, keys } = await readWritten(directory, tenant);
  const left = keys.filter((each) => each !== publicKey);
  if (left.length === keys.length) throw new ScriptError(`${tenant} has no such key; bus list --json shows its keys`);
  if (left.length === 0) throw new ScriptError(`it is the last key of ${tenant}: bus remove takes the producers away`);
  await replaceFile(fileOf(directory, tenant), accountOf(producers, left));
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

/** What is in an account's file that this command wrote: what a person wrote would be lost. */
async function readWritten(directory: string, tenant: string): Promise<{ producers: Producers; keys: string[] }> {
  const keys = await keysOf(directory, tenant);
  const producers = { tenant, home: await homeOf(directory, tenant) };
  const text = await readAccount(directory, tenant);
  if (keys.length > 0 && text === accountOf(producers, keys)) return { producers, keys };
  throw new ScriptError(`the file of ${tenant} was written by hand: change ${fileOf(directory, tenant)} yourself`);
}

function newKey() {
  const key = nkeys.createUser();
  return { key, publicKey: key.getPublicKey(), seed: new TextDecoder().decode(key.getSeed()) };
}

function fileOf(directory: string, tenant: string): string {
  return join(directory, "producers", `${tenant}.conf`);
}

function accountOf({ tenant, home }: Producers, publicKeys: readonly string[]): string {
  const [account = ""] = accountNames(home);
  const users = publicKeys.map(
    (publicKey) => `    {
      nkey: ${publicKey}
      permissions { publish: ["events.${tenant}.>"], subscribe: ["_INBOX.>"] }
    }
`,
  );
  return `"${tenant}" {
  imports: [{ service: { account: ${home === undefined ? account : `"${account}"`}, subject: "events.${tenant}.>" } }]
  limits { max_connections: 128, max_subscriptions: 1024, max_payload: 1MB }
  users: [
${users.join("")}  ]
}
`;
}
