import { AppError } from "#shared/errors/app-error.ts";
import { announce } from "../announce.ts";
import { nextVersion, type PolicyChanging } from "../change-policy.ts";
import { emptyContent } from "../store/stored-policy.ts";
import { keepTenant, logShapeOf, settleTenant } from "./keep-tenant.ts";

/**
 * Makes a tenant: its log, then a policy that allows nothing, then the announcement. Answers whether there was no such
 * tenant before. Repeating it is right, also after a failure half-way. A tenant whose name was another's before has nothing
 * of it: the sessions of then stay ended, the log is a new one, and its versions are above all that were.
 * @throws {AppError} `tenant_deleted` while a tenant of this name is being deleted.
 */
export async function createTenant(on: PolicyChanging, tenant: string, by: string, address?: string): Promise<boolean> {
  const existing = await on.store.read(tenant);
  if (existing?.policy.lifecycle.state === "deleted") {
    throw new AppError("tenant_deleted", "a tenant of this name is being deleted; try again in a minute");
  }
  if (existing !== undefined) {
    await keepTenant(on, tenant);
    return false;
  }
  const tombstone = await on.lives.tombstones.read(tenant);
  if (tombstone !== undefined) await on.lives.sessions.restart(tenant, tombstone.version);
  await on.logs.ensure(tenant, logShapeOf(undefined));
  const buried = tombstone && { number: tombstone.version, build: "" };
  const version = await nextVersion(on.logs, tenant, buried);
  const at = new Date(on.clock.wall()).toISOString();
  const why = "the tenant was made";
  const policy = { ...emptyContent(tenant), version, at, by, why };
  if (!(await on.store.replace(tenant, policy, undefined))) {
    await keepTenant(on, tenant);
    return false;
  }
  on.snapshots.adopt(tenant, policy);
  const noted = on.onChanged({ kind: "made", tenant, by, why, address, after: version.number });
  await announce(on.logs, tenant, version);
  await settleTenant(on, tenant);
  await noted;
  return true;
}

/** Whether there was a tenant of this name, and nobody has made a new one since. */
export async function isDeleted({ store, lives }: PolicyChanging, tenant: string): Promise<boolean> {
  const stored = await store.read(tenant);
  if (stored !== undefined) return stored.policy.lifecycle.state === "deleted";
  return (await lives.tombstones.read(tenant)) !== undefined;
}
