import { type Scope, topicsWithin } from "#shared/protocol/scope.ts";
import { intersectPatterns, patternCovers } from "#shared/protocol/topics.ts";
import type { ConditionalPattern, Residual } from "./residual.ts";

/** Whether a scope lets a permission through on everything under a topic pattern. */
export function isWithinScope(scope: Scope | undefined, permission: string, topic: string): boolean {
  return scope === undefined || topicsWithin(scope, permission).some((pattern) => patternCovers(pattern, topic));
}

/** What a residual allows and a scope lets through: it never allows more than either. */
export function limitByScope(residual: Residual, scope: Scope | undefined, permission: string): Residual {
  if (scope === undefined) return residual;
  const within = topicsWithin(scope, permission);
  const limited = (pattern: string): string[] => within.flatMap((topics) => intersectPatterns(pattern, topics) ?? []);
  const allow = new Set(residual.allow.flatMap(limited));
  const allowWhen = residual.allowWhen.flatMap(({ pattern, when }): ConditionalPattern[] =>
    limited(pattern).map((each) => ({ pattern: each, when })),
  );
  const isEmpty = allow.size + allowWhen.length === 0;
  return isEmpty ? { allow: [], deny: [], allowWhen: [], denyWhen: [] } : { ...residual, allow: [...allow], allowWhen };
}
