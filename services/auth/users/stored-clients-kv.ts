import { jetstreamManager } from "@nats-io/jetstream";
import type { KV, KvEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { followBucket } from "#shared/nats/follow-bucket.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { isName } from "#shared/protocol/names.ts";
import { decodeClients, encodeClients } from "./stored-client.ts";
import type { TenantClients } from "./known-clients.ts";
import type { StoredClientsStore, StoredEntry } from "./stored-clients.ts";

/** The bucket of clients that were made at run time: an entry for each tenant. Nobody but auth reads it. */
const BUCKET = "sluice_clients";
const STREAM = `KV_${BUCKET}`;
const SUBJECT_PREFIX = `$KV.${BUCKET}.`;
const SUBJECTS = `${SUBJECT_PREFIX}*`;

const UNREADABLE = "a stored client cannot be read and gets no tokens; withdraw it and make another";

/** An entry has at most some tens of kilobytes. */
const ROOM = { reserved: 16 * 1024 * 1024, most: 1024 * 1024 * 1024 };

/** Opens the bucket, which all auth processes share; its leader answers every read. Throws a BootError where it cannot be had. */
export async function openStoredClientsStore(
  nats: NatsConnection,
  { replicas, log }: { readonly replicas: number; readonly log: LimitedLog },
): Promise<StoredClientsStore> {
  const kv = await openBucket(nats, BUCKET, { replicas, room: ROOM });
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  return {
    tenants: () =>
      answered(async () => {
        const { state } = await streams.info(STREAM, { subjects_filter: SUBJECTS });
        return { tenants: Object.keys(state.subjects ?? {}).map(tenantOf), revision: state.last_seq };
      }),
    next: (revision) =>
      answered(async () => {
        const query = { seq: revision + 1, next_by_subj: SUBJECTS };
        const message = await streams.getMessage(STREAM, query);
        return message === null ? undefined : entryOf(tenantOf(message.subject), message.seq, message.time);
      }),
    async read(tenant) {
      const entry = await answered(() => kv.get(tenant));
      return entry === null ? { clients: [], revision: 0 } : readEntry(entry);
    },
    replace: (tenant, clients, revision) => answered(() => update(kv, tenant, encodeClients(clients), revision)),
    remove: (tenant) => answered(() => kv.delete(tenant)),
    follow: (onChange, stop) =>
      followBucket(nats, kv, {
        onEntry: (entry) => report(entry, onChange, log),
        onTrouble: (error) =>
          log.write("warn", "unfollowed", { err: error }, "the stored clients cannot be followed right now"),
        stop,
      }),
  };
}

function entryOf(tenant: string, revision: number, storedAt: Date): StoredEntry {
  return { tenant, revision, storedAt: storedAt.getTime() };
}

function tenantOf(subject: string): string {
  return subject.slice(SUBJECT_PREFIX.length);
}

function readEntry(entry: KvEntry): TenantClients {
  if (entry.operation !== "PUT") return { clients: [], revision: entry.revision };
  return { clients: decodeClients(entry.string()), revision: entry.revision };
}

async function update(kv: KV, tenant: string, value: string, revision: number): Promise<number | undefined> {
  try {
    return await kv.put(tenant, value, { previousSeq: revision });
  } catch (error) {
    if (isLostRace(error)) return undefined;
    throw error;
  }
}

function report(entry: KvEntry, onChange: Parameters<StoredClientsStore["follow"]>[0], log: LimitedLog): void {
  if (!isName(entry.key)) return;
  const { clients } = readEntry(entry);
  for (const { id } of clients.filter(({ unreadable }) => unreadable !== undefined)) {
    log.write("error", "unreadable", { tenant: entry.key, clientId: id }, UNREADABLE);
  }
  onChange(entryOf(entry.key, entry.revision, entry.created), clients);
}

function answered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return orUnavailable("the store of clients does not answer; try again", call);
}
