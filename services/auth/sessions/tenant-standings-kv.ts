import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orUnavailable } from "#shared/async/or-unavailable.ts";
import { POLICY_BUCKET, tenantStandingSchema } from "#shared/contract/tenant-standing.ts";
import type { TenantStandings } from "./end-tenant.ts";

/** Reads what policy's store says of tenants from its leader. Before the first tenant there is no bucket. */
export async function openTenantStandings(nats: NatsConnection): Promise<TenantStandings> {
  const { streams } = await jetstreamManager(nats, { checkAPI: false });
  return {
    find: (tenant) =>
      orUnavailable("what policy's store says of the tenant is not known right now; try again", async () => {
        try {
          const query = { last_by_subj: `$KV.${POLICY_BUCKET}.${tenant}` };
          const entry = await streams.getMessage(`KV_${POLICY_BUCKET}`, query);
          if (entry === null || entry.header?.has("KV-Operation")) return undefined;
          return tenantStandingSchema.parse(entry.json()).lifecycle;
        } catch (error) {
          if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
          throw error;
        }
      }),
  };
}
