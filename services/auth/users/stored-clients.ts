import { inTurns } from "#shared/async/in-turns.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { ClientDirectory, ServiceClient } from "./client-directory.ts";
import { createSecretCheck } from "./secret-check.ts";
import type { StoredClient } from "./stored-client.ts";
import type { VerifyAccount } from "./verify-account.ts";

/** A tenant's clients, and the revision of what is stored; 0 where nothing ever was. */
export interface TenantClients {
  readonly clients: readonly StoredClient[];
  readonly revision: number;
}

/** Where clients that are made at run time are kept. Every method but `follow` throws AppError `unavailable`. */
export interface StoredClientsStore {
  /** The tenants that have or had an entry. */
  tenants(): Promise<string[]>;
  /** What is stored now, whoever stored it. */
  read(tenant: string): Promise<TenantClients>;
  /** Stores it unless somebody else has written since that revision: then undefined, else the new revision. */
  replace(tenant: string, clients: readonly StoredClient[], revision: number): Promise<number | undefined>;
  remove(tenant: string): Promise<void>;
  /** Calls `onChange` for each tenant, then for each change, until `stop`. */
  follow(onChange: (tenant: string, now: TenantClients) => void, stop: AbortSignal): Promise<void>;
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
export async function openStoredClients({ store, verify, clock, log }: StoredClientsDeps): Promise<StoredClients> {
  const known = createKnownClients();
  const check = createSecretCheck(verify);
  await inTurns(await store.tenants(), READ_AT_ONCE, (tenant) => readKnown(tenant).catch(tell(tenant)));
  const stop = new AbortController();
  const following = store.follow(known.take, stop.signal);

  async function readKnown(tenant: string): Promise<TenantClients> {
    const now = await store.read(tenant);
    known.take(tenant, now);
    return now;
  }
  function tell(tenant: string) {
    return (error: unknown): void =>
      log.write("error", "unread", { tenant, err: error }, "stored clients cannot be read");
  }
  const noteUse = async (tenant: string, now: TenantClients, { id, number }: SecretName): Promise<void> => {
    const usedAt = new Date(clock.wall()).toISOString();
    const clients = changeSecret(now.clients, { id, number }, (secret) => ({ ...secret, usedAt }));
    // Somebody who was quicker has changed the clients, or noted this.
    await store.replace(tenant, clients, now.revision).catch(() => undefined);
  };
  return {
    find(tenant, clientId) {
      const held = known.clientOf(clientId);
      return held?.tenant === tenant ? userOf(held.tenant, clientId) : undefined;
    },
    async authenticate(clientId, secret, owner, admit) {
      const secretNumber = Number(SECRET.exec(secret)?.[1] ?? 0);
      const key = secretKey(clientId, secretNumber);
      if (!(await check(known.secrets, { key, secret, owner, admit }))) return undefined;
      const held = known.clientOf(clientId);
      return held && { ...userOf(held.tenant, clientId), scope: held.client.scope, secretNumber };
    },
    findCertified: () => undefined,
    async confirm({ tenant, username: id, secretNumber: number = 0 }) {
      const now = await readKnown(tenant);
      const client = now.clients.find((each) => each.id === id);
      const secret = client?.secrets.find((each) => each.number === number);
      if (secret === undefined) return false;
      const unnotedMs = clock.wall() - Date.parse(secret.usedAt ?? secret.madeAt);
      if (secret.usedAt === undefined || unnotedMs >= NOTE_USE_EVERY_MS) void noteUse(tenant, now, { id, number });
      return true;
    },
    read: async (tenant) => (await readKnown(tenant)).clients,
    async change(tenant, act) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const now = await store.read(tenant);
        const clients = act(now.clients);
        const revision = await store.replace(tenant, clients, now.revision);
        if (revision === undefined) continue;
        known.take(tenant, { clients, revision });
        return clients;
      }
      throw new AppError("unavailable", "others change the tenant's clients at the same time; try again");
    },
    async removeAll(tenant) {
      await store.remove(tenant);
      await readKnown(tenant);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

/** Which secret of which client. */
interface SecretName {
  readonly id: string;
  readonly number: number;
}

/** The clients with one of their secrets changed. */
function changeSecret(
  clients: readonly StoredClient[],
  { id, number }: SecretName,
  act: (secret: StoredClient["secrets"][number]) => StoredClient["secrets"][number],
): StoredClient[] {
  return clients.map((client) =>
    client.id === id
      ? { ...client, secrets: client.secrets.map((each) => (each.number === number ? act(each) : each)) }
      : client,
  );
}

/** Policy alone says what such a client may do, by its id. */
function userOf(tenant: string, username: string): ServiceClient {
  return { tenant, username, roles: [], groups: [] };
}

function secretKey(id: string, number: number): string {
  return `${id}/${number}`;
}

/** What this process knows of the stored clients. */
function createKnownClients() {
  const revisions = new Map<string, TenantClients>();
  const byId = new Map<string, { readonly tenant: string; readonly client: StoredClient }>();
  const secrets = new Map<string, StoredClient["secrets"][number]>();
  const keysOf = ({ id, secrets: own }: StoredClient): string[] => own.map(({ number }) => secretKey(id, number));
  return {
    secrets,
    clientOf: (id: string) => byId.get(id),
    /** Takes what is stored of a tenant, unless something younger is known. */
    take(tenant: string, now: TenantClients): void {
      const before = revisions.get(tenant);
      if (before !== undefined && before.revision >= now.revision) return;
      for (const client of before?.clients ?? []) {
        byId.delete(client.id);
        for (const key of keysOf(client)) secrets.delete(key);
      }
      revisions.set(tenant, now);
      for (const client of now.clients.filter(({ isWithdrawn }) => !isWithdrawn)) {
        byId.set(client.id, { tenant, client });
        for (const secret of client.secrets) secrets.set(secretKey(client.id, secret.number), secret);
      }
    },
  };
}
