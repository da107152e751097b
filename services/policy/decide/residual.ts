import type { EventCondition } from "#shared/contract/event-condition.ts";
import { type Scope, topicsWithin } from "#shared/protocol/scope.ts";
import { intersectPatterns, patternCovers, patternsOverlap } from "#shared/protocol/topics.ts";
import { fillRule } from "./fill-rule.ts";
import type { Effect } from "./fold-condition.ts";
import type { Grant } from "./grant.ts";
import { intersects } from "./role-set.ts";
import type { Row } from "./rule-index.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * What is left to decide once the grant and the permission are known: an event is let through when its topic matches one
 * of `allow`, or one of `allowWhen` whose condition holds, and none of `deny`, and none of `denyWhen` whose condition holds.
 */
export interface Residual {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly allowWhen: readonly ConditionalPattern[];
  readonly denyWhen: readonly ConditionalPattern[];
}

/** A topic pattern that counts for events on which a condition holds. */
export interface ConditionalPattern {
  readonly pattern: string;
  readonly when: EventCondition;
}

/** Finding what covers what costs the square of the number of patterns; the longer form decides the same. */
const MAX_SHORTENED = 32;

const DENIED: Residual = { allow: [], deny: [], allowWhen: [], denyWhen: [] };
const ALLOWED: Residual = { ...DENIED, allow: [">"] };

/** The residual of a grant and a permission, in its shortest form: equal decisions have equal residuals in most cases. */
export function residualOf(snapshot: Snapshot, grant: Grant, permission: string): Residual {
  return limitByScope(residualOfRoles(snapshot, grant, permission), grant.scope, permission);
}

function residualOfRoles(snapshot: Snapshot, grant: Grant, permission: string): Residual {
  const row = snapshot.rowOf(permission);
  if (intersects(row.deny, grant.roles)) return DENIED;
  const isAllowed = intersects(row.allow, grant.roles);
  if (row.limited.length === 0) return isAllowed ? ALLOWED : DENIED;
  const allowed = isAllowed ? { always: [">"], sometimes: [] } : patternsOf(row, "allow", grant);
  if (allowed.always.length + allowed.sometimes.length === 0) return DENIED;
  const denied = patternsOf(row, "deny", grant);
  const residual: Residual = {
    allow: allowed.always,
    deny: denied.always,
    allowWhen: allowed.sometimes,
    denyWhen: denied.sometimes,
  };
  return Object.values(residual).flat().length > MAX_SHORTENED ? residual : shorten(residual);
}

/** What a residual allows and a scope lets through: it never allows more than either. */
function limitByScope(residual: Residual, scope: Scope | undefined, permission: string): Residual {
  if (scope === undefined) return residual;
  const within = topicsWithin(scope, permission);
  const limited = (pattern: string): string[] => within.flatMap((topics) => intersectPatterns(pattern, topics) ?? []);
  const allow = new Set(residual.allow.flatMap(limited));
  const allowWhen = residual.allowWhen.flatMap(({ pattern, when }): ConditionalPattern[] =>
    limited(pattern).map((each) => ({ pattern: each, when })),
  );
  const isEmpty = allow.size + allowWhen.length === 0;
  return isEmpty ? DENIED : { ...residual, allow: [...allow], allowWhen };
}

function patternsOf({ limited }: Row, effect: Effect, grant: Grant) {
  const filled = limited.filter((rule) => rule.effect === effect).flatMap((rule) => fillRule(rule, grant) ?? []);
  const always = filled.flatMap(({ patterns, when }) => (when === undefined ? patterns : []));
  const sometimes = filled.flatMap(({ patterns, when }) =>
    when === undefined ? [] : patterns.map((pattern) => ({ pattern, when })),
  );
  return { always: [...new Set(always)].toSorted(), sometimes };
}

/** Without patterns that others say already, and without denials of what is not allowed. */
function shorten({ allow, deny, allowWhen, denyWhen }: Residual): Residual {
  const denied = withoutCovered(deny);
  const allowed = withoutCovered(allow).filter((pattern) => !isCovered(pattern, denied));
  const sometimes = allowWhen.filter(({ pattern }) => !isCovered(pattern, denied) && !isCovered(pattern, allowed));
  const reach = [...allowed, ...sometimes.map(({ pattern }) => pattern)];
  const isWithinReach = (pattern: string): boolean => reach.some((other) => patternsOverlap(pattern, other));
  return {
    allow: allowed,
    deny: denied.filter(isWithinReach),
    allowWhen: sometimes,
    denyWhen: denyWhen.filter(({ pattern }) => isWithinReach(pattern) && !isCovered(pattern, denied)),
  };
}

function isCovered(pattern: string, others: readonly string[]): boolean {
  return others.some((wider) => patternCovers(wider, pattern));
}

function withoutCovered(patterns: readonly string[]): string[] {
  return patterns.filter((pattern) => !patterns.some((wider) => wider !== pattern && patternCovers(wider, pattern)));
}
