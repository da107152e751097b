import type { Context, Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { changePolicy } from "../change-policy.ts";
import { type PolicyCommand, setLimits, setState } from "../changes/commands.ts";
import { tenantLimitsSchema } from "../limits/tenant-limits.ts";
import { requireTier, type Tiers } from "../limits/tiers.ts";
import type { StoredVersion } from "../versions/stored-policy.ts";
import { createTenant } from "../tenants/create-tenant.ts";
import { reconcileLifecycle } from "../tenants/reconcile-tenant.ts";
import type { TenantDeps } from "../tenants/tenant-deps.ts";
import type { LogUsage, Usage } from "../tenants/tenant-logs.ts";
import { authorizeAdmin, type AuthorizeDeps, authorizeOperator } from "./authorize.ts";
import { tenantParameter } from "./parameters.ts";
import {
  CREATE_TENANT,
  DELETE_TENANT,
  GET_TENANT,
  LIMIT_TENANT,
  LIST_TENANTS,
  LIST_TIERS,
  RESUME_TENANT,
  SUSPEND_TENANT,
} from "./tenant-calls.ts";

/** Adds the calls on tenants as a whole: make, look at, limit, suspend, resume, delete; and the list of tiers. */
export function addTenantRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  changeDeps: TenantDeps,
  { usage, tiers }: { readonly usage: LogUsage; readonly tiers: Tiers },
): void {
  const path = "/v1/tenants/:tenant";

  api.put(path, CREATE_TENANT, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeOperator(authorizeDeps, c);
    const isNew = await createTenant(changeDeps, tenant, by, authorizeDeps.addressOf(c));
    return c.json({ tenant }, isNew ? 201 : 200);
  });

  addTiersRoute(api, authorizeDeps, tiers);

  api.get("/v1/tenants", LIST_TENANTS, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    const usages = await usage.usages();
    const tenants = (await changeDeps.store.tenants()).map(async (tenant) => {
      const newest = await changeDeps.store.newest(tenant);
      return newest && describe(tenant, newest, usages.get(tenant));
    });
    return c.json({ tenants: (await Promise.all(tenants)).filter((tenant) => tenant !== undefined) });
  });

  api.get(path, GET_TENANT, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const newest = await changeDeps.store.newest(tenant);
    if (newest === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    return c.json(describe(tenant, newest, await usage.usageOf(tenant)));
  });

  const change = async (c: Context, makeChange: (by: string) => PolicyCommand | Promise<PolicyCommand>) => {
    const tenant = tenantParameter(c);
    const by = await authorizeOperator(authorizeDeps, c);
    const made = { ...(await makeChange(by)), address: authorizeDeps.addressOf(c) };
    const { number: version } = await changePolicy(changeDeps, tenant, made);
    await reconcileLifecycle(changeDeps, tenant);
    return { tenant, version };
  };

  api.put(`${path}/limits`, LIMIT_TENANT, async (c) =>
    c.json(
      await change(c, async (by) => {
        const limits = await readJson(c, tenantLimitsSchema);
        requireTier(tiers, limits.tier);
        return setLimits(limits, by);
      }),
    ),
  );
  api.post(`${path}/suspend`, SUSPEND_TENANT, async (c) => c.json(await change(c, (by) => setState("suspended", by))));
  api.post(`${path}/resume`, RESUME_TENANT, async (c) => c.json(await change(c, (by) => setState("active", by))));
  api.delete(path, DELETE_TENANT, async (c) =>
    c.json(
      await change(c, (by) => {
        requireConfirmation(c);
        return setState("deleted", by);
      }),
      202,
    ),
  );
}

/** Lists the tiers with their limits. */
function addTiersRoute(api: Hono, authorizeDeps: AuthorizeDeps, tiers: Tiers): void {
  api.get("/v1/tiers", LIST_TIERS, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json({ tiers: Object.fromEntries(tiers) });
  });
}

/** Everything of the tenant goes, and nothing brings it back. */
function requireConfirmation(c: Context): void {
  const tenant = tenantParameter(c);
  if (c.req.query("confirm") === tenant) return;
  throw new AppError("malformed_request", `to delete the tenant with all its events, add ?confirm=${tenant}`);
}

function describe(tenant: string, { version, lifecycle, limits }: StoredVersion, usage: Usage | undefined) {
  const { state, since, at } = lifecycle;
  return { tenant, state, ...(since > 0 ? { since: at } : {}), version: version.number, limits, usage };
}
