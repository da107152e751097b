import type { Hono } from "hono";
import type { PolicyChanging } from "../change-policy.ts";
import { createTenant } from "../tenants/create-tenant.ts";
import { type Authorizing, authorizeOperator } from "./authorize.ts";
import { nameParameter } from "./parameters.ts";

/** Adds the operator's calls: make a tenant, list them. */
export function addTenantRoutes(api: Hono, authorizing: Authorizing, changing: PolicyChanging): void {
  api.put("/v1/tenants/:tenant", async (c) => {
    const tenant = nameParameter(c, "tenant");
    const by = await authorizeOperator(authorizing, c);
    const isNew = await createTenant(changing, tenant, by);
    return c.json({ tenant }, isNew ? 201 : 200);
  });

  api.get("/v1/tenants", async (c) => {
    await authorizeOperator(authorizing, c);
    return c.json({ tenants: await changing.store.tenants() });
  });
}
