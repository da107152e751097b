import { type PolicyDocument, type Rule, ruleText } from "./policy-document.ts";
import { coveringCandidates } from "./covering-rules.ts";
import { ruleCovers } from "./rule-covers.ts";
import type { DocumentWarning } from "./fault.ts";

/** A rule, its place, and what it takes to find a rule that covers it. */
interface PlacedRule {
  readonly role: string;
  readonly effect: "allow" | "deny";
  readonly index: number;
  readonly rule: Rule;
}

/** Rules that decide nothing: another rule of the role covers them, or a deny of the role always wins. */
export function unreachableRules({ roles }: PolicyDocument): DocumentWarning[] {
  return [...roles.keys()].flatMap((name) => {
    const own = rulesOf(roles, name);
    const denies = lineageOf(roles, name).flatMap((each) => rulesOf(roles, each).filter(isDeny));
    const ownFor = coveringCandidates(own, ({ rule }) => rule);
    const deniesFor = coveringCandidates(denies, ({ rule }) => rule);
    return own.flatMap((placed) => {
      const wider =
        ownFor(placed.rule).find((other) => isCovered(placed, other)) ??
        deniesFor(placed.rule).find((deny) => isBeaten(placed, deny));
      return wider === undefined ? [] : [warningOf(placed, wider)];
    });
  });
}

function rulesOf(roles: PolicyDocument["roles"], role: string): PlacedRule[] {
  return (["allow", "deny"] as const).flatMap((effect) =>
    (roles.get(role)?.[effect] ?? []).map((rule, index) => ({ role, effect, index, rule })),
  );
}

function lineageOf(roles: PolicyDocument["roles"], name: string): string[] {
  const found = new Set([name]);
  for (const role of found) for (const parent of roles.get(role)?.inherits ?? []) found.add(parent);
  return [...found];
}

function isDeny({ effect }: PlacedRule): boolean {
  return effect === "deny";
}

/** Of two rules that say the same, the second is the one too many. */
function isCovered(placed: PlacedRule, other: PlacedRule): boolean {
  if (placed === other || placed.effect !== other.effect || !ruleCovers(other.rule, placed.rule)) return false;
  return !ruleCovers(placed.rule, other.rule) || other.index < placed.index;
}

function isBeaten(placed: PlacedRule, deny: PlacedRule): boolean {
  return placed.effect === "allow" && ruleCovers(deny.rule, placed.rule);
}

function warningOf({ role, effect, index, rule }: PlacedRule, wider: PlacedRule): DocumentWarning {
  const path = ["roles", role, effect, index];
  const by = ruleText(wider.rule);
  if (wider.effect === effect) return { path, message: `${ruleText(rule)} is covered by ${by}` };
  const of = wider.role === role ? "of this role" : `of role "${wider.role}", which this one inherits`;
  return { path, message: `${ruleText(rule)} never allows anything: it is always beaten by deny ${by} ${of}` };
}
