import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  endedTenantKey,
  endedWithTenant,
  REVOKED_BUCKET,
  revokedKey,
  tenantEndSchema,
} from "#shared/contract/revocations.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Revocations } from "../authorize-request.ts";

/** Reads revocations from the bucket's leader. Before the first ended session there is no bucket. */
export async function openRevocationsKv(connection: NatsConnection): Promise<Revocations> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const read = async (key: string): Promise<StoredMsg | undefined> => {
    const query = { last_by_subj: `$KV.${REVOKED_BUCKET}.${key}` };
    const entry = await manager.streams.getMessage(`KV_${REVOKED_BUCKET}`, query);
    return entry === null || entry.header?.has("KV-Operation") ? undefined : entry;
  };
  return {
    async isRevoked(tenant, sid, loginAt) {
      try {
        const [own, end] = await Promise.all([read(revokedKey(tenant, sid)), read(endedTenantKey(tenant))]);
        return own !== undefined || (end !== undefined && endedWithTenant(tenantEndSchema.parse(end.json()), loginAt));
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return false;
        throw new AppError("unavailable", "whether the session has ended is not known right now", { cause: error });
      }
    },
  };
}
