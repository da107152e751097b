import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { REVOKED_BUCKET, revokedKey } from "#shared/contract/revocations.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Revocations } from "../http/authorize.ts";

/** Reads revocations from the bucket's leader. While nobody has ended a session yet, there is no bucket. */
export async function openRevocationsKv(connection: NatsConnection): Promise<Revocations> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return {
    async isRevoked(tenant, sid) {
      const subject = `$KV.${REVOKED_BUCKET}.${revokedKey(tenant, sid)}`;
      try {
        const entry = await manager.streams.getMessage(`KV_${REVOKED_BUCKET}`, { last_by_subj: subject });
        return entry !== null && !entry.header?.has("KV-Operation");
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return false;
        throw new AppError("unavailable", "whether the session has ended is not known right now", { cause: error });
      }
    },
  };
}
