import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "#shared/log/create-logger.ts";
import { reconcileTenant } from "./reconcile-tenant.ts";
import type { TenantDeps } from "./tenant-deps.ts";

/** Tenants that are looked at together: each costs some round trips, one after the other. */
const AT_ONCE = 16;

/** Reconciles every tenant, again and again until `stop`. */
export async function reconcileTenants(
  deps: TenantDeps,
  { everyMs, stop, log }: { readonly everyMs: number; readonly stop: AbortSignal; readonly log: Logger },
): Promise<void> {
  while (!stop.aborted) {
    await delay(everyMs, undefined, { signal: stop }).catch(() => undefined);
    const tenants = await deps.store.tenants().catch((error: unknown) => {
      log.warn({ err: error }, "the tenants cannot be listed right now");
      return [];
    });
    for (let first = 0; first < tenants.length && !stop.aborted; first += AT_ONCE) {
      const some = tenants.slice(first, first + AT_ONCE).map((tenant) =>
        reconcileTenant(deps, tenant).catch((error: unknown) => {
          log.warn({ err: error, tenant }, "the tenant's log cannot be brought to what the store says right now");
        }),
      );
      await Promise.all(some);
    }
  }
}
