import type { Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { importPolicy } from "../changes/commands.ts";
import type { DocumentFiles } from "../watch/watch-documents.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { type ExportedPolicy, readExport, writeExport } from "./exported-policy.ts";
import { readIfMatch, tenantParameter } from "./parameters.ts";
import { readLines } from "./read-lines.ts";

/** 100 000 subjects of 600 bytes each. The first line has the document, whose quotes and lines JSON writes longer. */
const IMPORT_LIMITS = { maxBytes: 64 * 1024 * 1024, maxLineLength: 4 * 1024 * 1024 };

/** The path of the call whose body may be longer than those of others; it counts it itself. */
export const IMPORT_PATH = /^\/v1\/tenants\/[^/]+\/import$/;

/** Adds the calls that give a tenant's policy away whole, and take it in again, both as lines of JSON. */
export function addExportRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  changeDeps: ChangeDeps,
  files: Pick<DocumentFiles, "isThere">,
): void {
  api.get("/v1/tenants/:tenant/export", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const stored = await changeDeps.store.read(tenant);
    if (stored === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    c.header("etag", `"${stored.policy.version.number}"`);
    c.header("content-type", "application/x-ndjson");
    return c.body(ReadableStream.from(writeExport(tenant, stored.policy)).pipeThrough(new TextEncoderStream()));
  });

  api.put("/v1/tenants/:tenant/import", async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const expected = readIfMatch(c);
    const standing = changeDeps.snapshots.find(tenant)?.standing;
    changeDeps.budget.require(tenant, standing && changeDeps.changeRateOf(standing.limits));
    const exported = await readExport(readLines(c, IMPORT_LIMITS));
    requireSameTenant(exported, tenant);
    const { document: text, bindings } = exported;
    const why = `an export of version ${exported.version} was imported`;
    const version = await changePolicy(changeDeps, tenant, {
      ...importPolicy({ text, bindings }, { by, why, expected, files }),
      address: authorizeDeps.addressOf(c),
    });
    c.header("etag", `"${version.number}"`);
    return c.json({ version: version.number });
  });
}

/** An export names its tenant in several places. To import it into another tenant, its sender must change them all. */
function requireSameTenant({ tenant }: ExportedPolicy, wanted: string): void {
  if (tenant === wanted) return;
  throw new AppError("malformed_request", `this is the export of tenant ${tenant}, not of ${wanted}`);
}
