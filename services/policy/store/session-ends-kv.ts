import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { nanosOf } from "#shared/contract/event-tag.ts";
import { REVOKED_BUCKET, revokedKey } from "#shared/contract/revocations.ts";
import type { SessionEnds } from "../explain/ports.ts";

/** Reads the ends of sessions from the bucket's leader. Before the first ended session there is no bucket. */
export function sessionEndsKv(manager: JetStreamManager): SessionEnds {
  return {
    endsOf: (tenant, sids) =>
      orUnavailable("whether sessions have ended is not known right now; try again", async () => {
        const ends = await Promise.all(sids.map((sid) => endOf(manager, tenant, sid)));
        return new Map(sids.map((sid, place) => [sid, ends[place]]));
      }),
  };
}

async function endOf(manager: JetStreamManager, tenant: string, sid: string): Promise<number | undefined> {
  try {
    const query = { last_by_subj: `$KV.${REVOKED_BUCKET}.${revokedKey(tenant, sid)}` };
    const entry = await manager.streams.getMessage(`KV_${REVOKED_BUCKET}`, query);
    if (entry === null || entry.header?.has("KV-Operation")) return undefined;
    return Number(nanosOf(entry.timestamp) / 1_000_000n);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}
