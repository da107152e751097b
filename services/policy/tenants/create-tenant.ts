import { AppError } from "#shared/errors/app-error.ts";
import { announce } from "../changes/announce.ts";
import { nextVersion } from "../change-policy.ts";
import { emptyContent } from "../versions/stored-policy.ts";
import { logShapeOf, reconcileLifecycle, reconcileTenant } from "./reconcile-tenant.ts";
import type { TenantDeps } from "./tenant-deps.ts";

/**
 * Makes a tenant: its log, then a policy that allows nothing, then the announcement. Answers whether there was no such
 * tenant before. Idempotent, also after a failure half-way. A tenant with the name of a deleted one has nothing of it:
 * the old sessions stay ended, the log is new, and its versions are above all old ones.
 * @throws {AppError} `tenant_deleted` while a tenant of this name is being deleted.
 */
export async function createTenant(deps: TenantDeps, tenant: string, by: string, address?: string): Promise<boolean> {
  const existing = await deps.store.read(tenant);
  if (existing?.policy.lifecycle.state === "deleted") {
    throw new AppError("tenant_deleted", "a tenant of this name is being deleted; try again in a minute");
  }
  if (existing !== undefined) {
    await reconcileTenant(deps, tenant);
    return false;
  }
  const tombstone = await deps.tombstones.read(tenant);
  if (tombstone !== undefined) await deps.sessions.restart(tenant, tombstone.version);
  await deps.logs.reconcile(tenant, logShapeOf(undefined));
  const buried = tombstone && { number: tombstone.version, build: "" };
  const version = await nextVersion(deps, tenant, buried);
  const at = new Date(deps.clock.wall()).toISOString();
  const why = "the tenant was made";
  const policy = { ...emptyContent(tenant), version, at, by, why };
  if (!(await deps.store.replace(tenant, policy, undefined))) {
    await reconcileTenant(deps, tenant);
    return false;
  }
  await deps.snapshots.adopt(tenant, policy);
  const noted = deps.onChanged({ kind: "made", tenant, by, why, address, after: version.number });
  await announce(deps.logs, tenant, version);
  await reconcileLifecycle(deps, tenant);
  await noted;
  return true;
}

/** Whether there was a tenant of this name, and nobody has made a new one since. */
export async function isDeleted({ store, tombstones }: TenantDeps, tenant: string): Promise<boolean> {
  const stored = await store.read(tenant);
  if (stored !== undefined) return stored.policy.lifecycle.state === "deleted";
  return (await tombstones.read(tenant)) !== undefined;
}
