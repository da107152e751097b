import type { Hono } from "hono";
import { readJson } from "#shared/http/json-api.ts";
import { askedBy, decideQuestion } from "../decide/decide-question.ts";
import { decodeGrant } from "../decide/grant.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import { winningRule } from "../decide/winning-rule.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../snapshots.ts";
import { authorizeAdmin, type Authorizing } from "./authorize.ts";
import { nameParameter } from "./parameters.ts";
import { questionSchema } from "./question-schema.ts";

/** Adds the call that answers what a subject may do, and which rule says so. */
export function addCheckRoute(
  api: Hono,
  authorizing: Authorizing,
  snapshots: Pick<Snapshots, "atLeast">,
  { decisions }: Pick<PolicyMetrics, "decisions">,
): void {
  api.post("/v1/tenants/:tenant/check", async (c) => {
    const tenant = nameParameter(c, "tenant");
    await authorizeAdmin(authorizing, c, tenant);
    const { subject, question } = await readJson(c, questionSchema);
    const snapshot = await snapshots.atLeast(tenant);
    const allow = decideQuestion(snapshot, subject, question);
    const asked = askedBy(snapshot, question);
    const grant = decodeGrant(snapshot, resolveSubject(snapshot, subject).id);
    const rule = asked && winningRule(snapshot, grant, asked.permission, asked.topics[0]);
    decisions.inc({ outcome: allow ? "allow" : "deny", source: "check" });
    return c.json({ allow, version: snapshot.version.number, rule: rule ?? null });
  });
}
