import type { Hono } from "hono";
import { readJson } from "#shared/http/json-api.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer, jsonBody } from "#shared/http/openapi/describe-call.ts";
import { explain } from "../decide/explain.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../versions/snapshots.ts";
import type { FindRights } from "#shared/tokens/session-rights.ts";
import { heldRights } from "../sessions/held-rights.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { checkedSchema } from "./explain-answers.ts";
import { tenantParameter } from "./parameters.ts";
import { questionSchema } from "./question-schema.ts";

interface CheckRouteDeps extends Pick<PolicyMetrics, "decisions"> {
  readonly snapshots: Pick<Snapshots, "atLeast">;
  readonly find: FindRights;
}

const CHECK = describeCall({
  id: "checkPermission",
  tag: "Decisions",
  summary: "Says whether a subject may do something, and which rule says so",
  about: "The question is one of `permission`, `topic`, `publish`, and `method` with `path`.",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  body: jsonBody(questionSchema),
  answers: { 200: jsonAnswer("The decision.", checkedSchema) },
  errors: TENANT_ERRORS,
  example: { path: { tenant: "acme" }, body: { subject: "ann", topic: "order.created.42" }, status: 200 },
});

/** Adds the call that answers what a subject may do, and which rule says so. */
export function addCheckRoute(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  { snapshots, find, decisions }: CheckRouteDeps,
): void {
  api.post("/v1/tenants/:tenant/check", CHECK, async (c) => {
    const tenant = tenantParameter(c);
    await authorizeAdmin(authorizeDeps, c, tenant);
    const { subject: asked, question } = await readJson(c, questionSchema);
    const { subject } = await heldRights({ find, ownIssuer: authorizeDeps.ownIssuer }, tenant, asked);
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
