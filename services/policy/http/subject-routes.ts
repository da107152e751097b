import type { Context, Hono } from "hono";
import { z } from "zod";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { readJson } from "#shared/http/json-api.ts";
import { changePolicy, type ChangeDeps } from "../change-policy.ts";
import { boundRoles } from "../decide/resolve-subject.ts";
import { bindSubject } from "../changes/commands.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { MAX_ROLES_OF_SUBJECT } from "./exported-policy.ts";
import { afterParameter, limitParameter, readIfMatch, subjectParameter, tenantParameter } from "./parameters.ts";

const rolesSchema = z.strictObject({ roles: z.array(freeNameSchema).max(MAX_ROLES_OF_SUBJECT) });

/** The most subjects in one answer. */
const MAX_PAGE = 1_000;

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
  api.get(path, answerRoles);
  api.get("/v1/tenants/:tenant/subjects/:subject", answerRoles);

  api.get("/v1/tenants/:tenant/subjects", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const [after, limit] = [afterParameter(c), limitParameter(c, MAX_PAGE)];
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
  api.put(path, (c) => changeRoles(c, async () => (await readJson(c, rolesSchema)).roles));
  api.delete(path, (c) => changeRoles(c, async () => undefined));
}
