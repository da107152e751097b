import { announce } from "../announce.ts";
import { nextVersion, type PolicyChanging } from "../change-policy.ts";
import { emptyContent } from "../store/stored-policy.ts";

/**
 * Makes a tenant: its log, then a policy that allows nothing, then the announcement. Answers whether there was no such
 * tenant before. Repeating it is right, also after a failure half-way.
 */
export async function createTenant(on: PolicyChanging, tenant: string, by: string): Promise<boolean> {
  await on.logs.ensure(tenant);
  const existing = await on.store.read(tenant);
  if (existing !== undefined) {
    await announce(on.logs, tenant, existing.policy.version);
    return false;
  }
  const version = await nextVersion(on.logs, tenant, undefined);
  const at = new Date(on.clock.wall()).toISOString();
  const policy = { ...emptyContent(tenant), version, at, by, why: "the tenant was made" };
  if (!(await on.store.replace(tenant, policy, undefined))) return false;
  on.snapshots.adopt(tenant, policy);
  await announce(on.logs, tenant, version);
  return true;
}
