import type { TenantStanding } from "#shared/contract/tenant-standing.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { TenantEnds } from "./session.ts";

/** What policy's store says of tenants. Throws AppError `unavailable` when its leader does not answer. */
export interface TenantStandings {
  /** Undefined where there is no such tenant. */
  find(tenant: string): Promise<TenantStanding | undefined>;
}

/** The end of a whole tenant's sessions, and their new beginning. Both methods are idempotent and throw AppError `unavailable`. */
export interface TenantEnding {
  /**
   * Ends all sessions of a tenant that is deleted since this version, or a later one; a call that comes late changes nothing.
   * @throws {AppError} `forbidden` where policy's store does not say so.
   */
  end(tenant: string, version: number): Promise<void>;
  /**
   * Lets sessions of a tenant begin again, after the end of this version or an earlier one; those that began before stay ended.
   * @throws {AppError} `forbidden` while policy's store says that the tenant is deleted.
   */
  restart(tenant: string, version: number): Promise<void>;
}

interface TenantEndingDeps {
  readonly tenantEnds: TenantEnds;
  readonly standings: TenantStandings;
  /** Its clients that were made at run time, who must not come back with its name. Idempotent; throws AppError `unavailable`. */
  readonly removeClients: (tenant: string) => Promise<void>;
  readonly clock: Clock;
}

/**
 * Makes it. Whoever reaches auth's port may call, so the call is not believed: what counts is policy's store. A version that
 * nobody ever announced would end a tenant for good, because the highest one wins.
 */
export function createTenantEnding({ tenantEnds, standings, removeClients, clock }: TenantEndingDeps): TenantEnding {
  return {
    async end(tenant, version) {
      const [known, standing] = await Promise.all([tenantEnds.find(tenant), standings.find(tenant)]);
      if (known !== undefined && version <= known.version) return;
      if (standing?.state !== "deleted" || version > standing.since) {
        throw new AppError("forbidden", "policy's store does not say that this tenant is deleted since that version");
      }
      await removeClients(tenant);
      await tenantEnds.record(tenant, { version, through: null });
    },
    async restart(tenant, version) {
      const [known, standing] = await Promise.all([tenantEnds.find(tenant), standings.find(tenant)]);
      if (standing?.state === "deleted")
        throw new AppError("forbidden", "policy's store says that this tenant is deleted");
      if (known === undefined || version < known.version) return;
      await tenantEnds.record(tenant, { version: known.version, through: clock.wall() });
    },
  };
}
