import { randomBytes, randomInt } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit, AuditEntry } from "../audit/audit.ts";
import { hashPassword, parsePasswordHash } from "../users/password-hash.ts";
import { ID_PREFIX, MAX_CLIENTS, MAX_SECRETS, type StoredClient, type StoredSecret } from "../users/stored-client.ts";
import type { StoredClients } from "../users/stored-clients.ts";
import { endSessions } from "./end-sessions.ts";
import type { TenantStandings } from "./end-tenant.ts";
import { clientDevice } from "./issue-client-token.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { SessionIndex, SessionRecord } from "./session.ts";
import type { AnnounceChange } from "./user-change-steps.ts";

/** Who changes a tenant's clients, and from where. */
export interface ClientKeeper {
  readonly by: string;
  readonly address: string;
}

/** A secret in plain text, which is known this once, and the client that it is of. */
export interface MadeSecret {
  readonly client: StoredClient;
  readonly number: number;
  readonly secret: string;
}

/**
 * Makes and withdraws service clients at run time. All methods throw AppError `tenant_unknown` and `unavailable`; after that a
 * withdrawal may have taken force in part, and trying again is right.
 */
export interface ClientManagement {
  list(tenant: string): Promise<readonly StoredClient[]>;
  /** @throws {AppError} `limit_exceeded` where the tenant has as many as it may have. */
  make(
    tenant: string,
    given: { readonly name: string; readonly scope: Scope },
    keeper: ClientKeeper,
  ): Promise<MadeSecret>;
  /** @throws {AppError} `not_found`; `limit_exceeded` where the client has two secrets. */
  addSecret(tenant: string, id: string, keeper: ClientKeeper): Promise<MadeSecret>;
  /** Takes a secret away, and ends the sessions that began with it. Throws AppError `not_found` where it never was. */
  withdrawSecret(tenant: string, id: string, number: number, keeper: ClientKeeper): Promise<void>;
  /** Takes a client away with all its secrets, and ends its sessions. Throws AppError `not_found`. */
  withdraw(tenant: string, id: string, keeper: ClientKeeper): Promise<void>;
}

interface ClientManagementDeps {
  readonly stored: Pick<StoredClients, "read" | "change" | "removeAll">;
  readonly standings: TenantStandings;
  readonly sessions: Pick<SessionIndex, "ofSubject">;
  readonly announce: AnnounceChange;
  readonly revoke: RevokeSession;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Without letters and figures that look alike. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const RANDOM_CHARACTERS = 10;

/** Makes it. What ends a client's sessions comes after what keeps new ones from beginning. */
export function createClientManagement(deps: ClientManagementDeps): ClientManagement {
  const { stored, clock } = deps;
  const note = (entry: AuditEntry, { by, address }: ClientKeeper): Promise<void> =>
    deps.audit.record({ ...entry, by, address });
  const endedBy = (keeper: ClientKeeper) => (session: SessionRecord) =>
    deps.revoke(session, { reason: "client_withdrawn", ...keeper });
  const now = (): string => new Date(clock.wall()).toISOString();
  return {
    async list(tenant) {
      await requireTenant(deps, tenant);
      return stored.read(tenant);
    },
    async make(tenant, { name, scope }, keeper) {
      await requireTenant(deps, tenant);
      requireRoom(await stored.read(tenant));
      const made = await makeSecret(1, now(), keeper.by);
      const { madeAt, by } = made.stored;
      const id = `${ID_PREFIX}${name}-${randomName()}`;
      const client = { id, name, scope, madeAt, by, lastNumber: 1, secrets: [made.stored], isWithdrawn: false };
      await stored.change(tenant, (clients) => [...requireRoom(clients), client]);
      await forgetIfGone(deps, tenant);
      await note({ event: "client_made", tenant, subject: id }, keeper);
      return { client, number: 1, secret: made.secret };
    },
    async addSecret(tenant, id, keeper) {
      await requireTenant(deps, tenant);
      const before = requireSecretRoom(await stored.read(tenant), id);
      const number = before.lastNumber + 1;
      const made = await makeSecret(number, now(), keeper.by);
      const clients = await stored.change(tenant, (all) => {
        const client = requireSecretRoom(all, id);
        if (client.lastNumber !== before.lastNumber)
          throw new AppError("unavailable", "somebody else has just made one");
        return replaced(all, { ...client, lastNumber: number, secrets: [...client.secrets, made.stored] });
      });
      await forgetIfGone(deps, tenant);
      await note({ event: "client_secret_made", tenant, subject: id, secret: number }, keeper);
      return { client: find(clients, id), number, secret: made.secret };
    },
    async withdrawSecret(tenant, id, number, keeper) {
      await requireTenant(deps, tenant);
      await stored.change(tenant, (all) => {
        const client = find(all, id);
        if (number > client.lastNumber) throw new AppError("not_found", "the client has no such secret");
        return replaced(all, { ...client, secrets: client.secrets.filter((each) => each.number !== number) });
      });
      const isMeant = ({ device }: SessionRecord): boolean => device === clientDevice(number);
      await endSessions(deps.sessions, { tenant, subject: id, isMeant }, endedBy(keeper));
      await note({ event: "client_secret_withdrawn", tenant, subject: id, secret: number }, keeper);
    },
    async withdraw(tenant, id, keeper) {
      await requireTenant(deps, tenant);
      await stored.change(tenant, (all) => replaced(all, { ...find(all, id), secrets: [], isWithdrawn: true }));
      // An edge that asks again learns that nobody of that name has a live session, also while Redis is down.
      await deps.announce(tenant, id);
      await endSessions(deps.sessions, { tenant, subject: id }, endedBy(keeper));
      await stored.change(tenant, (all) => all.filter((each) => each.id !== id));
      await note({ event: "client_withdrawn", tenant, subject: id }, keeper);
    },
  };
}

async function requireTenant({ standings }: ClientManagementDeps, tenant: string): Promise<void> {
  const standing = await standings.find(tenant);
  if (standing === undefined || standing.state === "deleted") throw noTenant();
}

/** A tenant that was deleted meanwhile keeps no client: its name may be another's one day. */
async function forgetIfGone({ standings, stored }: ClientManagementDeps, tenant: string): Promise<void> {
  const standing = await standings.find(tenant);
  if (standing !== undefined && standing.state !== "deleted") return;
  await stored.removeAll(tenant);
  throw noTenant();
}

function noTenant(): AppError {
  return new AppError("tenant_unknown", "there is no such tenant");
}

function find(clients: readonly StoredClient[], id: string): StoredClient {
  const client = clients.find((each) => each.id === id);
  if (client === undefined) throw new AppError("not_found", "the tenant has no such client that was made at run time");
  return client;
}

function replaced(clients: readonly StoredClient[], client: StoredClient): StoredClient[] {
  return clients.map((each) => (each.id === client.id ? client : each));
}

function requireRoom(clients: readonly StoredClient[]): readonly StoredClient[] {
  if (clients.length < MAX_CLIENTS) return clients;
  throw new AppError("limit_exceeded", `a tenant has at most ${MAX_CLIENTS} clients; withdraw one that is not used`);
}

function requireSecretRoom(clients: readonly StoredClient[], id: string): StoredClient {
  const client = find(clients, id);
  if (client.isWithdrawn) throw new AppError("not_found", "the client is withdrawn");
  if (client.secrets.length < MAX_SECRETS) return client;
  throw new AppError("limit_exceeded", `a client has at most ${MAX_SECRETS} secrets; withdraw the old one`);
}

async function makeSecret(
  number: number,
  madeAt: string,
  by: string,
): Promise<{ readonly secret: string; readonly stored: StoredSecret }> {
  const secret = `${number}.${randomBytes(32).toString("base64url")}`;
  const password = parsePasswordHash(await hashPassword(secret));
  if (password === undefined) throw new Error("a hash of ours is none");
  return { secret, stored: { number, password, madeAt, by } };
}

function randomName(): string {
  return Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}
