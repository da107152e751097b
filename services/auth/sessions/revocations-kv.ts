import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  endedTenantKey,
  endedWithTenant,
  REVOKED_BUCKET,
  revokedKey,
  type TenantEnd,
  tenantEndSchema,
} from "#shared/contract/revocations.ts";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { openBucket } from "#shared/nats/open-bucket.ts";
import { isLostRace } from "#shared/nats/is-lost-race.ts";
import type { Revocations, TenantEnds } from "./session.ts";

/** The values of an end: each says that the session has ended, the second also that the tenant's log says so. */
const RECORDED = "revoked";
const SETTLED = "announced";

/** How much longer than the longest session an end is remembered. */
const MARGIN_MS = 86_400_000;

/** Room for 300 000 ends that nobody else can take. Beyond it the bucket grows: an end must be recorded as long as the disk has room. */
const ROOM = { reserved: 64 * 1024 * 1024 };

/** The bucket of ended sessions in JetStream, which remembers an end for longer than any session lasts. */
export async function openRevocations(
  nats: NatsConnection,
  { replicas, sessionMs }: { replicas: number; sessionMs: number },
): Promise<Revocations & { readonly tenantEnds: TenantEnds }> {
  const kv = await openBucket(nats, REVOKED_BUCKET, { replicas, room: ROOM, ttlMs: sessionMs + MARGIN_MS });
  const endOf = oncePerTick(async (tenant: string): Promise<TenantEnd | undefined> => {
    return (await readEnd(kv, tenant))?.end;
  });
  return {
    async isSettled(tenant, sid, loginAt) {
      const [own, end] = await answered(() => Promise.all([kv.get(revokedKey(tenant, sid)), endOf(tenant)]));
      return own?.string() === SETTLED || (end !== undefined && endedWithTenant(end, loginAt));
    },
    async settle(tenant, sid) {
      await answered(() => kv.put(revokedKey(tenant, sid), SETTLED));
    },
    async record(tenant, sid) {
      await answered(() => kv.put(revokedKey(tenant, sid), RECORDED));
    },
    async includes(tenant, sid, loginAt) {
      const [own, end] = await answered(() => Promise.all([kv.get(revokedKey(tenant, sid)), endOf(tenant)]));
      return own !== null || (end !== undefined && endedWithTenant(end, loginAt));
    },
    tenantEnds: {
      find: (tenant) => answered(async () => (await readEnd(kv, tenant))?.end),
      record: (tenant, end) => answered(() => recordEnd(kv, tenant, end)),
    },
  };
}

async function recordEnd(kv: KV, tenant: string, end: TenantEnd): Promise<void> {
  for (;;) {
    const stored = await readEnd(kv, tenant);
    if (stored !== undefined && !isNewer(end, stored.end)) return;
    try {
      await kv.put(endedTenantKey(tenant), JSON.stringify(end), { previousSeq: stored?.revision ?? 0 });
      return;
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }
}

function isNewer(end: TenantEnd, stored: TenantEnd): boolean {
  return (
    end.version > stored.version || (end.version === stored.version && stored.through === null && end.through !== null)
  );
}

async function readEnd(kv: KV, tenant: string): Promise<{ end: TenantEnd; revision: number } | undefined> {
  const entry = await kv.get(endedTenantKey(tenant));
  if (entry === null) return undefined;
  return { end: tenantEndSchema.parse(JSON.parse(entry.string())), revision: entry.revision };
}

/** Asks once for all who ask in one tick: the question goes out in it, so the answer is as fresh for the last as for the first. */
function oncePerTick<Answer>(ask: (key: string) => Promise<Answer>): typeof ask {
  const asked = new Map<string, Promise<Answer>>();
  return (key) => {
    const known = asked.get(key);
    if (known !== undefined) return known;
    const answer = ask(key);
    asked.set(key, answer);
    queueMicrotask(() => asked.delete(key));
    return answer;
  };
}

function answered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return orUnavailable("revocations cannot be read or written right now; try again", call);
}
