import type { Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { importPolicy } from "../changes/commands.ts";
import type { DocumentFiles } from "../watch/watch-documents.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { CHANGE_ERRORS, changedSchema, IF_MATCH, TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { DOCUMENT_EXAMPLE } from "./document-text.ts";
import { EXPORT_FORMAT, type ExportedPolicy, readExport, writeExport } from "./exported-policy.ts";
import { readIfMatch, tenantParameter } from "./parameters.ts";
import { readLines } from "./read-lines.ts";

/** 100 000 subjects of 600 bytes each. The first line has the document, whose quotes and lines JSON writes longer. */
const IMPORT_LIMITS = { maxBytes: 64 * 1024 * 1024, maxLineLength: 4 * 1024 * 1024 };

/** The path of the call whose body may be longer than those of others; it counts it itself. */
export const IMPORT_PATH = /^\/v1\/tenants\/[^/]+\/import$/;

const NDJSON = "application/x-ndjson";

const EXPORT_EXAMPLE = [
  {
    format: EXPORT_FORMAT,
    tenant: "acme",
    version: 2,
    at: "2026-01-31T12:00:00.000Z",
    document: DOCUMENT_EXAMPLE,
    subjects: 1,
  },
  { subject: "ann", roles: ["viewer"] },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join("");

const EXPORT = describeCall({
  id: "exportPolicy",
  tag: "Policies",
  summary: "Gives a policy away whole, as lines of JSON",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: {
    200: {
      is: "The first line has the document, each other one a subject.",
      content: { [NDJSON]: z.string() },
      headers: { ETag: "The version." },
    },
  },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

const IMPORT = describeCall({
  id: "importPolicy",
  tag: "Policies",
  summary: "Takes an export in as the next version of the same tenant",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  headers: IF_MATCH,
  body: { content: { [NDJSON]: z.string() } },
  answers: { 200: jsonAnswer("The change is in the tenant's log.", changedSchema, { ETag: "The version." }) },
  errors: [...CHANGE_ERRORS, "document_from_file"],
  example: { path: { tenant: "acme" }, body: EXPORT_EXAMPLE, status: 200 },
});

/** Adds the calls that give a tenant's policy away whole, and take it in again, both as lines of JSON. */
export function addExportRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  changeDeps: ChangeDeps,
  files: Pick<DocumentFiles, "isThere">,
): void {
  api.get("/v1/tenants/:tenant/export", EXPORT, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const stored = await changeDeps.store.read(tenant);
    if (stored === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    c.header("etag", `"${stored.policy.version.number}"`);
    c.header("content-type", "application/x-ndjson");
    return c.body(ReadableStream.from(writeExport(tenant, stored.policy)).pipeThrough(new TextEncoderStream()));
  });

  api.put("/v1/tenants/:tenant/import", IMPORT, async (c) => {
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
