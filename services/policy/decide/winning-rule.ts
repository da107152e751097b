import { permissionMatches } from "../document/permission.ts";
import { ruleText } from "../document/policy-document.ts";
import { type DecidedEvent, ruleHolds } from "./fill-rule.ts";
import type { Grant } from "./grant.ts";
import { limitedRule } from "./limited-rule.ts";
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
  { document: { tenant, roles }, roleBits }: Snapshot,
  grant: Grant,
  permission: string,
  event: DecidedEvent | undefined,
): WinningRule | undefined {
  const held = [...roles].filter(([name]) => hasRole(grant.roles, roleBits.get(name) ?? 0));
  for (const effect of ["deny", "allow"] as const) {
    for (const [role, rules] of held) {
      const bit = roleBits.get(role) ?? 0;
      const rule = rules[effect].find(
        (each) =>
          permissionMatches(each.permission, permission) &&
          ruleHolds(limitedRule(each, bit, effect, tenant), grant, event),
      );
      if (rule !== undefined) return { role, effect, rule: ruleText(rule) };
    }
  }
  return undefined;
}
