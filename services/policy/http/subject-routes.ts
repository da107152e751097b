import type { Context, Hono } from "hono";
import { z } from "zod";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { readParameter } from "#shared/http/read-parameter.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { boundRoles } from "../decide/resolve-subject.ts";
import { bindSubject } from "../changes/commands.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { MAX_ROLES_OF_SUBJECT } from "./exported-policy.ts";
import { CHANGE_ERRORS, changedSchema, IF_MATCH, TENANT, TENANT_ERRORS, TENANT_SUBJECT } from "./admin-calls.ts";
import { afterSubjectSchema, limitSchema, readIfMatch, subjectParameter, tenantParameter } from "./parameters.ts";
import { rolesOfSubjectSchema, subjectsSchema } from "./policy-answers.ts";

const rolesSchema = z.strictObject({ roles: z.array(freeNameSchema).max(MAX_ROLES_OF_SUBJECT) });

/** The most subjects in one answer. */
const MAX_PAGE = 1_000;

const PAGE_QUERY = {
  after: afterSubjectSchema.describe("The `next` of the page before."),
  limit: limitSchema(MAX_PAGE),
};

const GET_ROLES = {
  id: "getSubjectRoles",
  tag: "Subjects",
  summary: "Reads the roles of a subject",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT_SUBJECT,
  answers: { 200: jsonAnswer("The roles, and whether the document or a call set them.", rolesOfSubjectSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme", subject: "ann" }, status: 200 },
} as const;

const LIST = describeCall({
  id: "listSubjects",
  tag: "Subjects",
  summary: "Lists the subjects whose roles were set over HTTP",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: PAGE_QUERY,
  answers: { 200: jsonAnswer("A page of subjects.", subjectsSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, status: 200 },
});

const SET_ROLES = describeCall({
  id: "setSubjectRoles",
  tag: "Subjects",
  summary: "Sets the roles of a subject, whatever the document binds",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT_SUBJECT,
  headers: IF_MATCH,
  body: jsonBody(rolesSchema),
  answers: { 200: jsonAnswer("The change is in the tenant's log.", changedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "acme", subject: "ann" }, body: { roles: ["viewer"] }, status: 200 },
});

const UNSET_ROLES = describeCall({
  id: "unsetSubjectRoles",
  tag: "Subjects",
  summary: "Gives a subject back the roles that the document binds",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT_SUBJECT,
  headers: IF_MATCH,
  answers: { 200: jsonAnswer("The change is in the tenant's log.", changedSchema) },
  errors: CHANGE_ERRORS,
  example: { path: { tenant: "acme", subject: "ann" }, status: 200 },
});

/**
 * Adds the calls on the roles of one subject: read, set, return to the document; and the list of all whose roles are set, in
 * pages.
 */
export function addSubjectRoutes(api: Hono, authorizeDeps: AuthorizeDeps, changeDeps: ChangeDeps): void {
  const path = "/v1/tenants/:tenant/subjects/:subject/roles";

  const answerRoles = async (c: Context): Promise<Response> => {
    const [tenant, subject] = [tenantParameter(c), subjectParameter(c)];
    await authorizeAdmin(authorizeDeps, c, tenant);
    const snapshot = await changeDeps.snapshots.atLeast(tenant);
    return c.json({ subject, ...boundRoles(snapshot, subject, changeDeps.clock.wall()) });
  };
  api.get(path, describeCall(GET_ROLES), answerRoles);
  const again = describeCall({ ...GET_ROLES, id: "getSubject" });
  api.get("/v1/tenants/:tenant/subjects/:subject", again, answerRoles);

  api.get("/v1/tenants/:tenant/subjects", LIST, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const after = readParameter(c, "after", PAGE_QUERY.after);
    const limit = readParameter(c, "limit", PAGE_QUERY.limit) ?? MAX_PAGE;
    const { policy } = (await changeDeps.store.read(tenant)) ?? {};
    if (policy === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
    const { bindings, hasMore } = policy.bindings.page(after, limit);
    const subjects = bindings.map(([subject, roles]) => ({ subject, roles }));
    const next = hasMore ? { next: subjects.at(-1)?.subject } : {};
    return c.json({ version: policy.version.number, total: policy.bindings.size, subjects, ...next });
  });

  const changeRoles = async (c: Context, readRoles: () => Promise<string[] | undefined>): Promise<Response> => {
    const [tenant, subject] = [tenantParameter(c), subjectParameter(c)];
    const by = await authorizeAdmin(authorizeDeps, c, tenant);
    const command = bindSubject(subject, await readRoles(), by, readIfMatch(c));
    const change = { ...command, address: authorizeDeps.addressOf(c) };
    const version = await changePolicy(changeDeps, tenant, change);
    return c.json({ version: version.number });
  };
  api.put(path, SET_ROLES, (c) => changeRoles(c, async () => (await readJson(c, rolesSchema)).roles));
  api.delete(path, UNSET_ROLES, (c) => changeRoles(c, async () => undefined));
}
