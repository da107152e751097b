import { BootError } from "#shared/config/read-config.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { logShapeOf, reconcileTenant } from "./reconcile-tenant.ts";
import type { TenantDeps } from "./tenant-deps.ts";

/**
 * Reconciles every tenant's log with the store before anything is served.
 * @throws {AppError} `unavailable` when the log or the store does not answer.
 * @throws {BootError} when a log cannot be. A broken stored policy holds up only its own tenant.
 */
export async function checkTenants(deps: TenantDeps, log: Logger): Promise<void> {
  try {
    const tenants = new Set([...(await deps.store.tenants()), ...(await deps.logs.tenants())]);
    for (const tenant of tenants) {
      await checkTenant(deps, tenant).catch((error: unknown) => {
        if (error instanceof AppError) throw error;
        log.error({ err: error, tenant }, "the stored policy of a tenant cannot be used");
      });
    }
  } catch (error) {
    throw error instanceof AppError && error.code !== "unavailable" ? new BootError(error.message) : error;
  }
}

/** The rest of a deleted tenant is removed later: that needs auth, which may start after policy. */
async function checkTenant(deps: TenantDeps, tenant: string): Promise<void> {
  const stored = await deps.store.read(tenant);
  if (stored?.policy.lifecycle.state === "deleted") return;
  // A log without a policy was made by a process that ended half-way, or the store has lost the policy.
  if (stored === undefined) await deps.logs.reconcile(tenant, logShapeOf(undefined));
  else await reconcileTenant(deps, tenant);
}
