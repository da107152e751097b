import type { Hono } from "hono";
import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { importPolicy } from "../changes/commands.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { readIfMatch, tenantParameter } from "./parameters.ts";

const FORMAT = "sluice-policy/1";

/** All that a tenant's policy consists of, as one value to keep or to move. */
const exportedSchema = z.strictObject({
  format: z.literal(FORMAT),
  tenant: nameSchema,
  /** Which version it was; an import makes a new one. */
  version: z.int().min(1),
  at: z.iso.datetime(),
  document: z.string(),
  bindings: z
    .array(z.strictObject({ subject: freeNameSchema, roles: z.array(freeNameSchema).max(64) }))
    .refine(areDistinct, "a subject stands here twice"),
});
type ExportedPolicy = z.infer<typeof exportedSchema>;

/** Adds the calls that give a tenant's policy away whole, and take it in again. */
export function addExportRoutes(api: Hono, authorizeDeps: AuthorizeDeps, changeDeps: ChangeDeps): void {
  api.get("/v1/tenants/:tenant/export", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const stored = await changeDeps.store.read(tenant);
    if (stored === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    c.header("etag", `"${stored.policy.version.number}"`);
    return c.json(exportOf(tenant, stored.policy));
  });

  api.put("/v1/tenants/:tenant/import", async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const expected = readIfMatch(c);
    const exported = await readJson(c, exportedSchema);
    requireSameTenant(exported, tenant);
    const bindings = new Map(exported.bindings.map(({ subject, roles }) => [subject, [...new Set(roles)].toSorted()]));
    const why = `an export of version ${exported.version} was imported`;
    const version = await changePolicy(changeDeps, tenant, {
      ...importPolicy({ text: exported.document, bindings }, { by, why, expected }),
      address: authorizeDeps.addressOf(c),
    });
    c.header("etag", `"${version.number}"`);
    return c.json({ version: version.number });
  });
}

function areDistinct(bindings: readonly { readonly subject: string }[]): boolean {
  return new Set(bindings.map(({ subject }) => subject)).size === bindings.length;
}

function exportOf(tenant: string, { version, at, document, bindings }: StoredPolicy): ExportedPolicy {
  return {
    format: FORMAT,
    tenant,
    version: version.number,
    at,
    document: document.text,
    bindings: Array.from(bindings, ([subject, roles]) => ({ subject, roles: [...roles] })),
  };
}

/** An export names its tenant in several places. To import it into another tenant, its sender must change them all. */
function requireSameTenant({ tenant }: ExportedPolicy, wanted: string): void {
  if (tenant === wanted) return;
  throw new AppError("malformed_request", `this is the export of tenant ${tenant}, not of ${wanted}`);
}
