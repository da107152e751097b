import type { VersionExplanation } from "./decided.ts";
import { type Finding, finding, namesText } from "./link.ts";

/** A change of a person's roles and groups at auth since the event. */
export interface ClaimsChange {
  readonly seq: number;
  readonly at: string;
}

/** The decision of a version, or why there is none. */
export type Decided = VersionExplanation | { readonly unknown: string };

/** Whether a rule of `events:` names the event's type. */
export function mappedLink(decided: Decided, type: string): Finding {
  if ("unknown" in decided) return finding("unknown", sentence(decided.unknown));
  const { version, permission } = decided;
  if (permission === null) return finding("no", `Version ${version} names no permission for ${type}.`);
  return finding("yes", `By version ${version}, who sees ${type} needs ${permission}.`);
}

/** Whether a role of the person allows the permission somewhere. */
export function roleLink(decided: Decided, subject: string, changed?: ClaimsChange): Finding {
  if ("unknown" in decided) return finding("unknown", sentence(decided.unknown));
  const { permission, roles, considered, more } = decided;
  if (permission === null) return finding("unknown", "The type needs no permission, so that no role can have it.");
  const allowing = considered.filter(({ effect }) => effect === "allow");
  const byRole = new Map(allowing.map(({ role, via }) => [role, via]));
  const found =
    byRole.size > 0 || more > 0
      ? finding(
          "yes",
          Array.from(byRole, ([role, via]) => `Role ${role} allows ${permission}: ${via.join("; ")}.`),
        )
      : finding("no", whyNoRole(subject, permission, roles));
  return unlessChanged(found, changed);
}

function whyNoRole(subject: string, permission: string, roles: VersionExplanation["roles"]): string {
  if (roles.length === 0) return `${subject} has no role.`;
  return `None of the roles of ${subject} allows ${permission}: ${namesText(roles.map(({ role }) => role))}.`;
}

/** Whether the rule that decides allows the event. */
export function ruleLink(decided: Decided, changed?: ClaimsChange): Finding {
  if ("unknown" in decided) return finding("unknown", sentence(decided.unknown));
  const { allow, permission, rule, because, mask } = decided;
  if (permission === null) return finding("unknown", "The type needs no permission, so that no rule decides.");
  const by = rule === null ? sentence(because) : `Role ${rule.role} says ${rule.effect} ${rule.rule}: ${because}.`;
  const without = mask === null || mask.length === 0 ? [] : [`It is delivered without ${namesText(mask)}.`];
  return unlessChanged(finding(allow ? "yes" : "no", [by, ...without]), changed);
}

/** Auth says what somebody has, not what they had. */
function unlessChanged(found: Finding, changed: ClaimsChange | undefined): Finding {
  if (changed === undefined) return found;
  const why = `Auth has changed the roles or groups since, at ${changed.at} (entry ${changed.seq}): those of then are not known.`;
  return finding("unknown", [why, ...found.evidence.map((each) => `By those of now: ${each}`)]);
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
