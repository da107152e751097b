import { createLoader } from "#shared/async/create-loader.ts";
import { inTurns } from "#shared/async/in-turns.ts";
import { poll } from "#shared/async/poll.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { ClientDirectory, ServiceClient } from "./client-directory.ts";
import { createSecretCheck } from "./secret-check.ts";
import { createKnownClients, type KnownClients, secretKey, type TenantClients } from "./known-clients.ts";
import type { StoredClient, StoredSecret } from "./stored-client.ts";
import type { VerifyAccount } from "./verify-account.ts";

/** Where clients that are made at run time are kept. Every method but `follow` throws AppError `unavailable`. */
export interface StoredClientsStore {
  /** The tenants that have or had an entry, and the revision up to which there are no others. */
  tenants(): Promise<StoredTenants>;
  /** The first entry behind that revision that is stored now, whoever stored it; undefined where there is none. */
  next(revision: number): Promise<StoredEntry | undefined>;
  /** What is stored now, whoever stored it. */
  read(tenant: string): Promise<TenantClients>;
  /** Stores it unless somebody else has written since that revision: then undefined, else the new revision. */
  replace(tenant: string, clients: readonly StoredClient[], revision: number): Promise<number | undefined>;
  remove(tenant: string): Promise<void>;
  /** Calls `onChange` for each tenant, then for each change, until `stop`. Changes may come late, and some never where the store was restored. */
  follow(onChange: (entry: StoredEntry, clients: readonly StoredClient[]) => void, stop: AbortSignal): Promise<void>;
}

/** Which tenants have something stored, as far as that revision of the bucket. */
export interface StoredTenants {
  readonly tenants: readonly string[];
  readonly revision: number;
}

/** That something is stored of a tenant. */
export interface StoredEntry {
  readonly tenant: string;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
}

/** The clients that were made at run time. */
export interface StoredClients extends ClientDirectory, AsyncDisposable {
  /** What is stored now. Throws AppError `unavailable`. */
  read(tenant: string): Promise<readonly StoredClient[]>;
  /**
   * Changes a tenant's clients, and answers them; `act` is asked again where somebody else was quicker.
   * @throws {AppError} what `act` throws, or `unavailable`.
   */
  change(
    tenant: string,
    act: (clients: readonly StoredClient[]) => readonly StoredClient[],
  ): Promise<readonly StoredClient[]>;
  /** Takes all clients of a tenant away. Idempotent; throws AppError `unavailable`. */
  removeAll(tenant: string): Promise<void>;
}

interface StoredClientsDeps {
  readonly store: StoredClientsStore;
  readonly verify: VerifyAccount;
  readonly clock: Clock;
  readonly log: LimitedLog;
}

const READ_AT_ONCE = 100;

/** How often the store is asked whether it has something new, and still has what was read of it. */
const LOOK_EVERY_MS = 1_000;

/** As many failures at once ask the store together whether it has something new. */
const MAX_TOGETHER = 1_000;
const MAX_ATTEMPTS = 8;

/** That a secret is used is written down so often at most. */
const NOTE_USE_EVERY_MS = 60_000;

/** A secret says which it is, so that one attempt costs one verification however many a client has. */
const SECRET = /^(\d{1,9})\./;

/**
 * Opens the clients that were made at run time. They are in memory, as everybody's sessions are checked by them, and followed; a
 * token is issued by what the store says at that moment. Disposing ends the following.
 * @throws {AppError} `unavailable` when the store cannot be read.
 */
export async function openStoredClients(deps: StoredClientsDeps): Promise<StoredClients> {
  const { store, verify } = deps;
  const known = createKnownClients();
  const check = createSecretCheck(verify);
  const following = await followStore(deps, known);
  const { readKnown, catchUp } = following;
  return {
    find(tenant, clientId) {
      const held = known.clientOf(clientId);
      return held?.tenant === tenant ? userOf(held.tenant, clientId) : undefined;
    },
    async authenticate(clientId, secret, owner, admit) {
      const secretNumber = Number(SECRET.exec(secret)?.[1] ?? 0);
      const key = secretKey(clientId, secretNumber);
      const isRight = () => check(known.secrets, { key, secret, owner, admit });
      const wasKnown = known.secrets.has(key);
      if (!(await isRight())) {
        // Another process may have made it a moment ago. A wrong secret takes as long as an unknown one; both have cost a verification.
        await catchUp();
        if (wasKnown || !known.secrets.has(key) || !(await isRight())) return undefined;
      }
      const held = known.clientOf(clientId);
      return held && { ...userOf(held.tenant, clientId), scope: held.client.scope, secretNumber };
    },
    findCertified: () => undefined,
    async confirm({ tenant, username: id, secretNumber: number = 0 }) {
      const now = await readKnown(tenant);
      const secret = now.clients.find((each) => each.id === id)?.secrets.find((each) => each.number === number);
      if (secret !== undefined) void noteUse(deps, tenant, { ...now, id, secret });
      return secret !== undefined;
    },
    read: async (tenant) => (await readKnown(tenant)).clients,
    async change(tenant, act) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const asked = known.of(tenant);
        const now = await store.read(tenant);
        const clients = act(now.clients);
        const revision = await store.replace(tenant, clients, now.revision);
        if (revision === undefined) continue;
        known.take(tenant, { clients, revision }, asked);
        return clients;
      }
      throw new AppError("unavailable", "others change the tenant's clients at the same time; try again");
    },
    async removeAll(tenant) {
      await store.remove(tenant);
      await readKnown(tenant);
    },
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  };
}

/**
 * Makes known what is stored, now and from now on.
 * @throws {AppError} `unavailable` when the store cannot be read.
 */
async function followStore({ store, log }: StoredClientsDeps, known: KnownClients) {
  const readKnown = async (tenant: string): Promise<TenantClients> => {
    const asked = known.of(tenant);
    const now = await store.read(tenant);
    known.take(tenant, now, asked);
    return now;
  };
  /** The youngest entry that is known, as is everything before it; undefined where there was none. */
  let last: StoredEntry | undefined;
  const hear = (entry: StoredEntry): void => {
    if (entry.revision > (last?.revision ?? 0)) last = entry;
  };
  const readAll = async (): Promise<void> => {
    const { tenants, revision } = await store.tenants();
    await inTurns([...new Set([...known.tenants(), ...tenants])], READ_AT_ONCE, readKnown);
    last = revision === 0 ? undefined : await store.next(revision - 1);
    if (last !== undefined) await readKnown(last.tenant);
  };
  await readAll();
  const stop = new AbortController();
  const following = store.follow((entry, clients) => {
    known.take(entry.tenant, { clients, revision: entry.revision });
    hear(entry);
  }, stop.signal);
  const hearOn = async (): Promise<void> => {
    for (
      let entry = await store.next(last?.revision ?? 0);
      entry !== undefined;
      entry = await store.next(entry.revision)
    ) {
      await readKnown(entry.tenant);
      hear(entry);
    }
  };
  const load = createLoader<true, true>({ maxBatch: MAX_TOGETHER }, async (questions) => {
    const youngest = known.youngest();
    const isRestored = last !== undefined && (await isLost(store, last));
    if (!isRestored) await hearOn();
    // Of what this process has written itself, nothing may have been heard before the store was restored.
    if (isRestored || (last?.revision ?? 0) < youngest) await readAll();
    return questions;
  });
  /** Makes known what was stored before this was called; throws AppError `unavailable`. */
  const catchUp = () => load(true);
  const looking = poll(LOOK_EVERY_MS, async () => {
    await catchUp().catch((error: unknown) => {
      if (!stop.signal.aborted)
        log.write("warn", "unread", { err: error }, "the stored clients cannot be read right now");
    });
  });
  return {
    readKnown,
    catchUp,
    async [Symbol.asyncDispose]() {
      stop.abort();
      looking[Symbol.dispose]();
      await following;
    },
  };
}

/** Whether the store has lost an entry that it had: it came back as an older copy. One that a younger one of its tenant has replaced is not lost. */
async function isLost(store: StoredClientsStore, entry: StoredEntry): Promise<boolean> {
  const there = await store.next(entry.revision - 1);
  if (there?.revision === entry.revision) return there.storedAt !== entry.storedAt;
  return (await store.read(entry.tenant)).revision < entry.revision;
}

/** Writes down that a secret is used, unless that was written a moment ago. */
async function noteUse(
  { store, clock }: StoredClientsDeps,
  tenant: string,
  { clients, revision, id, secret }: TenantClients & { readonly id: string; readonly secret: StoredSecret },
): Promise<void> {
  const now = clock.wall();
  if (secret.usedAt !== undefined && now - Date.parse(secret.usedAt) < NOTE_USE_EVERY_MS) return;
  const used = { ...secret, usedAt: new Date(now).toISOString() };
  const noted = clients.map((client) =>
    client.id === id ? { ...client, secrets: client.secrets.map((each) => (each === secret ? used : each)) } : client,
  );
  // Somebody who was quicker has changed the clients, or noted this.
  await store.replace(tenant, noted, revision).catch(() => undefined);
}

/** Policy alone says what such a client may do, by its id. */
function userOf(tenant: string, username: string): ServiceClient {
  return { tenant, username, roles: [], groups: [] };
}
