import type { Hono } from "hono";
import { z } from "zod";
import { nameSchema } from "#shared/contract/names.ts";
import { eventTypeOf, isTopic, topicMatches } from "#shared/contract/topics.ts";
import { readJson } from "#shared/http/json-api.ts";
import { decide } from "../decide/decide.ts";
import { decodeGrant } from "../decide/grant.ts";
import { resolveSubject } from "../decide/resolve-subject.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import { winningRule, type WinningRule } from "../decide/winning-rule.ts";
import { permissionSchema } from "../document/permission.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../snapshots.ts";
import { authorizeAdmin, type Authorizing } from "./authorize.ts";
import { nameParameter } from "./parameters.ts";

const checkSchema = z
  .strictObject({
    subject: nameSchema,
    roles: z.array(nameSchema).max(64).default([]),
    groups: z.array(nameSchema).max(256).default([]),
    permission: permissionSchema.optional(),
    topic: z.string().refine(isTopic, "must be a topic such as order.created.42, without wildcards").optional(),
  })
  .refine(({ permission, topic }) => (permission === undefined) !== (topic === undefined), {
    error: "either permission or topic must be given",
  });
type Check = z.infer<typeof checkSchema>;

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
    const question = await readJson(c, checkSchema);
    const snapshot = await snapshots.atLeast(tenant);
    const { allow, rule } = check(snapshot, question, authorizing);
    decisions.inc({ effect: allow ? "allow" : "deny" });
    return c.json({ allow, version: snapshot.version.number, rule: rule ?? null });
  });
}

function check(
  snapshot: Snapshot,
  { subject, roles, groups, permission, topic }: Check,
  { wall, ownIssuer }: Authorizing,
): {
  allow: boolean;
  rule?: WinningRule | undefined;
} {
  const wanted = permission ?? permissionOf(snapshot, topic ?? "");
  if (wanted === undefined) return { allow: false };
  const trusted = trustedSubject(snapshot, { id: subject, roles, groups }, ownIssuer);
  const grant = decodeGrant(snapshot, resolveSubject(snapshot, trusted, wall()).id);
  const event = topic === undefined ? undefined : { topic, attributes: {} };
  return {
    allow: decide(snapshot, grant, wanted, event),
    rule: winningRule(snapshot, grant, wanted, event),
  };
}

function permissionOf({ document }: Snapshot, topic: string): string | undefined {
  return document.events.find(({ pattern }) => topicMatches(pattern, eventTypeOf(topic)))?.permission;
}
