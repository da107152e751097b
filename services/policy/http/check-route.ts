import type { Hono } from "hono";
import { readJson } from "#shared/http/json-api.ts";
import { explain } from "../decide/explain.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../versions/snapshots.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { tenantParameter } from "./parameters.ts";
import { questionSchema } from "./question-schema.ts";

/** Adds the call that answers what a subject may do, and which rule says so. */
export function addCheckRoute(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  snapshots: Pick<Snapshots, "atLeast">,
  { decisions }: Pick<PolicyMetrics, "decisions">,
): void {
  api.post("/v1/tenants/:tenant/check", async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject, question } = await readJson(c, questionSchema);
    const snapshot = await snapshots.atLeast(tenant);
    const { allow, rule } = explain(
      snapshot,
      trustedSubject(snapshot, subject, authorizeDeps.ownIssuer),
      question,
      authorizeDeps.wall(),
    );
    decisions.inc({ outcome: allow ? "allow" : "deny", source: "check" });
    return c.json({ allow, version: snapshot.version.number, rule });
  });
}
