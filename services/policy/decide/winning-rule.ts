import { topicMatches } from "#shared/contract/topics.ts";
import { permissionMatches } from "../document/permission.ts";
import { type Rule, ruleText } from "../document/policy-document.ts";
import { fillSub, fillTenant } from "./fill-template.ts";
import type { Grant } from "./grant.ts";
import { hasRole } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** The rule that a decision comes from, as the document spells it. */
export interface WinningRule {
  readonly role: string;
  readonly effect: "allow" | "deny";
  readonly rule: string;
}

/** The rule that `decide` follows for the same question: the first that denies, else the first that allows. */
export function winningRule(
  { document, roleBits }: Snapshot,
  grant: Grant,
  permission: string,
  topic: string | undefined,
): WinningRule | undefined {
  const held = [...document.roles].filter(([name]) => hasRole(grant.roles, roleBits.get(name) ?? 0));
  for (const effect of ["deny", "allow"] as const) {
    for (const [role, rules] of held) {
      const rule = rules[effect].find(
        (each) =>
          permissionMatches(each.permission, permission) &&
          coversTopic(each, effect, topic, document.tenant, grant.sub),
      );
      if (rule !== undefined) return { role, effect, rule: ruleText(rule) };
    }
  }
  return undefined;
}

function coversTopic(
  rule: Rule,
  effect: "allow" | "deny",
  topic: string | undefined,
  tenant: string,
  sub: string | undefined,
): boolean {
  if (rule.topic === undefined || rule.topic === ">") return true;
  if (topic === undefined) return effect === "deny";
  const pattern = fillSub(fillTenant(rule.topic, tenant), effect, sub);
  return pattern !== undefined && topicMatches(pattern, topic);
}
