import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { endedTenantKey, endedWithTenant, REVOKED_BUCKET, tenantEndSchema } from "#shared/contract/revocations.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { TenantEnds } from "../sessions/present-subject.ts";

/** Reads the ends of tenants from the bucket's leader. Before the first ended session there is no bucket. */
export async function openTenantEndsKv(connection: NatsConnection): Promise<TenantEnds> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    async hasEnded(tenant, loginAt) {
      try {
        const query = { last_by_subj: `$KV.${REVOKED_BUCKET}.${endedTenantKey(tenant)}` };
        const entry = await manager.streams.getMessage(`KV_${REVOKED_BUCKET}`, query);
        if (entry === null || entry.header?.has("KV-Operation")) return false;
        const end = tenantEndSchema.parse(entry.json());
        return loginAt === undefined ? end.through === null : endedWithTenant(end, loginAt);
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return false;
        throw new AppError("unavailable", "whether the tenant has ended is not known right now", { cause: error });
      }
    },
  };
}
