import type { Rule } from "./policy-document.ts";

/**
 * Finds, for a rule, those of `all` that could cover it, in their order: a rule covers no other whose permission begins with
 * another token, unless its own begins with `*`. Comparing each with each took minutes at 2 048 roles.
 */
export function coveringCandidates<T>(all: readonly T[], ruleOf: (each: T) => Rule): (rule: Rule) => readonly T[] {
  const placed = all.map((each, place) => ({ each, place, first: resourceOf(ruleOf(each).permission) }));
  const byFirst = Map.groupBy(placed, ({ first }) => first);
  const wild = byFirst.get("*") ?? [];
  return ({ permission }) => {
    const first = resourceOf(permission);
    const same = first === "*" ? [] : (byFirst.get(first) ?? []);
    return [...same, ...wild].toSorted((a, b) => a.place - b.place).map(({ each }) => each);
  };
}

/** The first token of a permission, or of a pattern of them. */
export function resourceOf(permission: string): string {
  return permission.slice(0, permission.indexOf(":"));
}
