import type { Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { PolicyReviewer } from "../versions/policy-reviewer.ts";
import type { PolicyStore } from "../versions/policy-store.ts";
import type { SeenPolicy } from "../versions/review-job.ts";
import type { StoredPolicy } from "../versions/stored-policy.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { limitParameter, nameAfterParameter, numberParameter, readText, tenantParameter } from "./parameters.ts";

interface ReviewDeps {
  readonly store: Pick<PolicyStore, "read" | "version">;
  readonly reviewer: PolicyReviewer;
  readonly clock: Pick<Clock, "wall">;
}

/** Of more subjects with roles set over HTTP only so many are looked at. */
const MAX_SUBJECTS = 2_000;

/** The most names in one answer. */
const MAX_PAGE = 100;

/** Adds the calls that look at policies and change nothing: what a text would be as the next document, and who sees what. */
export function addReviewRoutes(api: Hono, authorizeDeps: AuthorizeDeps, deps: ReviewDeps): void {
  api.post("/v1/tenants/:tenant/policy/review", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { policy } = await readCurrent(deps, tenant);
    const { text: current, httpBindings, unseen } = seenOf(policy);
    const text = await readText(c);
    const review = await deps.reviewer.review({ tenant, text, current, httpBindings, now: deps.clock.wall() });
    return c.json({ version: policy.version.number, ...review, unseen });
  });

  api.get("/v1/tenants/:tenant/policy/visibility", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const [version, compare] = [numberParameter(c, "version"), numberParameter(c, "compare")];
    const { policy: current } = await readCurrent(deps, tenant);
    const seenAt = async (wanted: number): Promise<SeenPolicy & { readonly unseen: number }> =>
      wanted === current.version.number
        ? { ...seenOf(current), at: deps.clock.wall() }
        : await seenVersion(deps, tenant, wanted);
    const policy = await seenAt(version ?? current.version.number);
    const earlier = compare === undefined ? undefined : await seenAt(compare);
    const page = { after: nameAfterParameter(c), limit: limitParameter(c, MAX_PAGE) };
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
