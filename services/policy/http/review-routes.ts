import type { Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { PolicyReviewer } from "../versions/policy-reviewer.ts";
import type { PolicyStore } from "../versions/policy-store.ts";
import type { SeenPolicy } from "../versions/review-job.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { readParameter } from "#shared/http/read-parameter.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { DOCUMENT_EXAMPLE as DOCUMENT, documentTextSchema } from "./document-text.ts";
import { afterNameSchema, limitSchema, readText, tenantParameter, versionNumberSchema } from "./parameters.ts";
import { reviewSchema, visibilitySchema } from "./policy-answers.ts";

interface ReviewDeps {
  readonly store: Pick<PolicyStore, "read" | "version">;
  readonly reviewer: PolicyReviewer;
  readonly clock: Pick<Clock, "wall">;
}

/** Of more subjects with roles set over HTTP only so many are looked at. */
const MAX_SUBJECTS = 2_000;

/** The most names in one answer. */
const MAX_PAGE = 100;

const VISIBILITY_QUERY = {
  version: versionNumberSchema.describe("The one in force without it."),
  compare: versionNumberSchema.describe("Another version, to compare with."),
  after: afterNameSchema.describe("The `next` of the page before."),
  limit: limitSchema(MAX_PAGE),
};

const REVIEW = describeCall({
  id: "reviewPolicy",
  tag: "Policies",
  summary: "Says what a text would be as the next document; nothing is changed",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  body: { content: { "application/yaml": documentTextSchema } },
  answers: { 200: jsonAnswer("What is wrong with it, what differs, and who gains and loses.", reviewSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, body: DOCUMENT, status: 200 },
});

const SEE = describeCall({
  id: "seeVisibility",
  tag: "Policies",
  summary: "Says who sees which events by a version, or by two",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: VISIBILITY_QUERY,
  answers: { 200: jsonAnswer("A page of people, groups and roles.", visibilitySchema) },
  errors: [...TENANT_ERRORS, "not_found"],
  example: { path: { tenant: "acme" }, status: 200 },
});

/** Adds the calls that look at policies and change nothing: what a text would be as the next document, and who sees what. */
export function addReviewRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: ReviewDeps): void {
  api.post("/v1/tenants/:tenant/policy/review", REVIEW, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { policy } = await readCurrent(deps, tenant);
    const { text: current, httpBindings, unseen } = seenOf(policy);
    const text = await readText(c);
    const review = await deps.reviewer.review({ tenant, text, current, httpBindings, now: deps.clock.wall() });
    return c.json({ version: policy.version.number, ...review, unseen });
  });

  api.get("/v1/tenants/:tenant/policy/visibility", SEE, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const version = readParameter(c, "version", VISIBILITY_QUERY.version);
    const compare = readParameter(c, "compare", VISIBILITY_QUERY.compare);
    const { policy: current } = await readCurrent(deps, tenant);
    const seenAt = async (wanted: number): Promise<SeenPolicy & { readonly unseen: number }> =>
      wanted === current.version.number
        ? { ...seenOf(current), at: deps.clock.wall() }
        : await seenVersion(deps, tenant, wanted);
    const policy = await seenAt(version ?? current.version.number);
    const earlier = compare === undefined ? undefined : await seenAt(compare);
    const page = {
      after: readParameter(c, "after", VISIBILITY_QUERY.after),
      limit: readParameter(c, "limit", VISIBILITY_QUERY.limit) ?? MAX_PAGE,
    };
    const visibility = await deps.reviewer.visibility({ tenant, policy, earlier, ...page });
    const compared = compare === undefined ? {} : { compared: compare };
    return c.json({ version: version ?? current.version.number, ...compared, unseen: policy.unseen, ...visibility });
  });
}

async function readCurrent({ store }: ReviewDeps, tenant: string) {
  const stored = await store.read(tenant);
  if (stored === undefined) throw new AppError("tenant_unknown", "there is no such tenant");
  return stored;
}

async function seenVersion({ store }: ReviewDeps, tenant: string, wanted: number) {
  const found = await store.version(tenant, wanted);
  if (found === undefined) throw new AppError("not_found", `version ${wanted} is not kept any more, or never was`);
  return { ...seenOf(found), at: Date.parse(found.at) };
}

/** What is looked at of a policy, and how many subjects are not. */
function seenOf({ document, bindings }: StoredPolicy) {
  const { bindings: listed } = bindings.page(undefined, MAX_SUBJECTS);
  return { text: document.text, httpBindings: new Map(listed), unseen: bindings.size - listed.length };
}
