import { subjectPrincipal } from "#shared/contract/principal.ts";
import { type Rule, ruleText } from "../document/policy-document.ts";
import { coveringCandidates } from "../document/covering-rules.ts";
import { ruleCovers, rulesOverlap } from "../document/rule-covers.ts";
import { changedRoles } from "./changed-roles.ts";
import type { PolicySource } from "./policy-diff.ts";

/** What some people may do after a change and might not before, and the other way round. */
export interface EffectDiff {
  /** Principals, and `role:<name>` for everybody who has the role from a token. */
  readonly who: readonly string[];
  /** Rules, as a document spells them. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

type Change = Pick<EffectDiff, "gains" | "loses">;

/** The rules that somebody has. */
export interface Rules {
  readonly allow: readonly Rule[];
  readonly deny: readonly Rule[];
}

/** The rights that people gain and lose from one policy to the next. People with equal changes are one entry. */
export function effectsOf(before: PolicySource, after: PolicySource): EffectDiff[] {
  const [was, is] = [rolesByName(before), rolesByName(after)];
  const changed = new Set(changedRoles(before.document.roles, after.document.roles));
  const known = new Map<string, Change>();
  const together = new Map<string, EffectDiff & { readonly who: string[] }>();
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const [held, holds] = [was.get(name) ?? [], is.get(name) ?? []];
    const roles = JSON.stringify([held, holds]);
    if (JSON.stringify(held) === JSON.stringify(holds) && !held.some((role) => changed.has(role))) continue;
    const change = known.get(roles) ?? changeOf(rulesOf(before, held), rulesOf(after, holds));
    known.set(roles, change);
    if (change.gains.length + change.loses.length === 0) continue;
    const key = JSON.stringify(change);
    const effect = together.get(key) ?? { who: [], ...change };
    effect.who.push(name);
    together.set(key, effect);
  }
  return [...together.values()];
}

/** The roles of everybody that a policy names: principals, and `role:<name>` for everybody who has the role from a token. */
export function rolesByName({
  document,
  documentBindings,
  httpBindings,
}: PolicySource): Map<string, readonly string[]> {
  const bound = Array.from(documentBindings, ([name, roles]): [string, string[]] => [
    name,
    roles.map(({ role }) => role).toSorted(),
  ]);
  return new Map<string, readonly string[]>([
    ...bound,
    ...Array.from(httpBindings, ([subject, roles]) => [subjectPrincipal(subject), roles] as const),
    ...Array.from(document.roles.keys(), (role): [string, string[]] => [`role:${role}`, [role]]),
  ]);
}

/** All rules of these roles and of those they inherit. */
export function rulesOf({ document }: PolicySource, roles: readonly string[]): Rules {
  const lineage = new Set(roles);
  for (const role of lineage) for (const parent of document.roles.get(role)?.inherits ?? []) lineage.add(parent);
  const held = [...lineage].flatMap((role) => document.roles.get(role) ?? []);
  return { allow: held.flatMap(({ allow }) => allow), deny: held.flatMap(({ deny }) => deny) };
}

function changeOf(before: Rules, after: Rules): Change {
  return { gains: moreIn(after, before, "denied before"), loses: moreIn(before, after, "denied now") };
}

/** What `one` allows and `other` does not: its own allowing rules, and what only `other` denies of the rest. */
function moreIn(one: Rules, other: Rules, denied: string): string[] {
  const [kept, own] = partition(effectiveOf(one), coveredBy(effectiveOf(other)));
  const isDenied = coveredBy(one.deny);
  const freed = other.deny.filter((deny) => !isDenied(deny) && kept.some((rule) => rulesOverlap(rule, deny)));
  return [...new Set([...own.map(ruleText), ...freed.map((deny) => `${ruleText(deny)} (${denied})`)])].toSorted();
}

function partition<T>(all: readonly T[], isFirst: (each: T) => boolean): [T[], T[]] {
  const { first = [], second = [] } = Object.groupBy(all, (each) => (isFirst(each) ? "first" : "second"));
  return [first, second];
}

/** The allowing rules that are not denied as a whole. */
function effectiveOf({ allow, deny }: Rules): readonly Rule[] {
  const isDenied = coveredBy(deny);
  return allow.filter((rule) => !isDenied(rule));
}

/** Whether one of these rules covers a rule. Most are there as they are. */
function coveredBy(others: readonly Rule[]): (rule: Rule) => boolean {
  const texts = new Set(others.map(ruleText));
  const candidatesFor = coveringCandidates(others, (other) => other);
  return (rule) => texts.has(ruleText(rule)) || candidatesFor(rule).some((other) => ruleCovers(other, rule));
}
