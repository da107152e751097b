import type { Hono } from "hono";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { putDocument, refuseFileDocument } from "../changes/commands.ts";
import type { StoredPolicy, StoredVersion } from "../versions/stored-policy.ts";
import type { DocumentFiles } from "../watch/watch-documents.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { CHANGE_ERRORS, changedSchema, IF_MATCH, TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { keptVersionSchema, policySchema, versionsSchema } from "./policy-answers.ts";
import { documentTextSchema, DOCUMENT_EXAMPLE as DOCUMENT } from "./document-text.ts";
import {
  readIfMatch,
  readReason,
  readText,
  reasonParameter,
  reasonSchema,
  tenantParameter,
  versionNumberSchema,
  versionParameter,
} from "./parameters.ts";

const rollbackSchema = z.strictObject({ version: z.int().min(1), reason: z.string().optional() });

/** More bindings than this are not in an answer with the document. */
const MAX_BINDINGS = 1_000;

const GET_POLICY = describeCall({
  id: "getPolicy",
  tag: "Policies",
  summary: "Reads the policy in force",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: { 200: jsonAnswer("The policy.", policySchema, { ETag: "The version." }) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

const PUT_POLICY = describeCall({
  id: "putPolicy",
  tag: "Policies",
  summary: "Replaces the document",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: { reason: reasonSchema.describe("Why, for the history.") },
  headers: IF_MATCH,
  body: { content: { "application/yaml": documentTextSchema } },
  answers: { 200: jsonAnswer("The change is in the tenant's log.", changedSchema, { ETag: "The version." }) },
  errors: [...CHANGE_ERRORS, "document_from_file"],
  example: { path: { tenant: "acme" }, body: DOCUMENT, status: 200 },
});

const LIST_VERSIONS = describeCall({
  id: "listPolicyVersions",
  tag: "Policies",
  summary: "Lists the versions that are kept, the last 64",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  answers: { 200: jsonAnswer("The versions.", versionsSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

const GET_VERSION = describeCall({
  id: "getPolicyVersion",
  tag: "Policies",
  summary: "Reads one of the versions that are kept",
  by: BY_EXPLICIT_TOKEN,
  path: { ...TENANT, version: versionNumberSchema },
  answers: { 200: jsonAnswer("The version.", keptVersionSchema) },
  errors: [...TENANT_ERRORS, "not_found"],
  example: { path: { tenant: "acme", version: "1" }, status: 200 },
});

const ROLL_BACK = describeCall({
  id: "rollBackPolicy",
  tag: "Policies",
  summary: "Makes the document of an earlier version the next one",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  headers: IF_MATCH,
  body: jsonBody(rollbackSchema),
  answers: { 200: jsonAnswer("The change is in the tenant's log.", changedSchema, { ETag: "The version." }) },
  errors: [...CHANGE_ERRORS, "document_from_file", "not_found"],
  example: { path: { tenant: "acme" }, body: { version: 2 }, status: 200 },
});

/** Adds the calls on a tenant's policy as a whole: read, replace, its versions, back to one of them. */
export function addPolicyRoutes(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  changeDeps: ChangeDeps,
  files: DocumentFiles,
): void {
  api.get("/v1/tenants/:tenant/policy", GET_POLICY, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const policy = await readCurrent(changeDeps, tenant);
    c.header("etag", `"${policy.version.number}"`);
    return c.json({ tenant, ...currentOf(policy, files), rejected: files.rejections.get(tenant) });
  });

  api.put("/v1/tenants/:tenant/policy", PUT_POLICY, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const expected = readIfMatch(c);
    const who = { by, address: authorizeDeps.addressOf(c) };
    const change = putDocument(await readText(c), {
      kind: "document",
      ...who,
      why: reasonParameter(c) ?? "the document was put",
      expected,
      files,
    });
    const version = await changePolicy(changeDeps, tenant, change);
    c.header("etag", `"${version.number}"`);
    return c.json({ version: version.number });
  });

  api.get("/v1/tenants/:tenant/policy/versions", LIST_VERSIONS, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const versions = await changeDeps.store.history(tenant);
    if (versions.length === 0) throw tenantUnknown();
    return c.json({ versions: versions.map((each) => ({ ...summaryOf(each), diff: each.diff })) });
  });

  api.get("/v1/tenants/:tenant/policy/versions/:version", GET_VERSION, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const policy = await findVersion(changeDeps, tenant, versionParameter(c));
    return c.json({ tenant, ...summaryOf(policy), diff: policy.diff, ...contentOf(policy) });
  });

  api.post("/v1/tenants/:tenant/policy/rollback", ROLL_BACK, async (c) => {
    const tenant = tenantParameter(c);
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const { version: wanted, reason } = await readJson(c, rollbackSchema);
    const expected = readIfMatch(c);
    refuseFileDocument((await readCurrent(changeDeps, tenant)).document.origin, files);
    const { text } = (await findVersion(changeDeps, tenant, wanted)).document;
    const why = `back to version ${wanted}${reason === undefined ? "" : `: ${readReason(reason)}`}`;
    const who = { by, address: authorizeDeps.addressOf(c), why };
    const version = await changePolicy(
      changeDeps,
      tenant,
      putDocument(text, { kind: "rollback", ...who, expected, files }),
    );
    c.header("etag", `"${version.number}"`);
    return c.json({ version: version.number });
  });
}

async function readCurrent({ store }: ChangeDeps, tenant: string): Promise<StoredPolicy> {
  const stored = await store.read(tenant);
  if (stored === undefined) throw tenantUnknown();
  return stored.policy;
}

async function findVersion({ store }: ChangeDeps, tenant: string, wanted: number): Promise<StoredPolicy> {
  const found = await store.version(tenant, wanted);
  if (found !== undefined) return found;
  if ((await store.read(tenant)) === undefined) throw tenantUnknown();
  throw new AppError("not_found", `version ${wanted} is not kept any more, or never was`);
}

/** The policy in force, and whether the file that its document comes from is gone. */
function currentOf(policy: StoredPolicy, files: DocumentFiles) {
  const { origin } = policy.document;
  const missing = origin.kind === "file" && !files.isThere(origin.name) ? { missing: true } : {};
  return { ...summaryOf(policy), origin: { ...origin, ...missing }, ...contentOf(policy) };
}

function summaryOf({ version, document: { origin }, at, by, why }: StoredVersion) {
  return { version: version.number, build: version.build, origin, at, by, why };
}

/** The bindings only where they are few: the list of subjects has them in pages, the export in lines. */
function contentOf({ document, bindings }: StoredPolicy) {
  const few = bindings.size <= MAX_BINDINGS ? { bindings: Object.fromEntries(bindings) } : {};
  return { document: document.text, subjects: bindings.size, ...few };
}

function tenantUnknown(): AppError {
  return new AppError("tenant_unknown", "there is no such tenant");
}
