import type { EventCondition } from "#shared/contract/event-condition.ts";
import { type Scope, topicsWithin } from "#shared/protocol/scope.ts";
import { intersectPatterns, patternCovers, patternsOverlap } from "#shared/protocol/topics.ts";
import { fillRule } from "./fill-rule.ts";
import type { Effect } from "./fold-condition.ts";
import type { Grant } from "./grant.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { intersects } from "./role-set.ts";
import type { Row } from "./rule-index.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * What is left to decide once the grant and the permission are known: an event is let through when its topic matches one
 * of `allow`, or one of `allowWhen` whose condition holds, and none of `deny`, and none of `denyWhen` whose condition holds.
 * What is let through by `masked` alone is delivered without the fields that all those name which let it through.
 */
export interface Residual extends Allowed {
  readonly deny: readonly string[];
  readonly denyWhen: readonly ConditionalPattern[];
  /** Absent where there is none. */
  readonly masked?: readonly Masked[];
}

/** Topics that are allowed, always and on conditions. */
export interface Allowed {
  readonly allow: readonly string[];
  readonly allowWhen: readonly ConditionalPattern[];
}

/** Topics that are allowed without some fields. */
export interface Masked extends Allowed {
  readonly mask: readonly string[];
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
  const [allows, denies] = [rulesOf(row, "allow"), rulesOf(row, "deny")];
  const whole = isAllowed
    ? ALLOWED
    : allowedBy(
        allows.filter(({ mask }) => mask === undefined),
        grant,
      );
  const masked = isAllowed ? [] : maskedBy(allows, grant);
  if (isEmpty(whole) && masked.length === 0) return DENIED;
  const denied = allowedBy(denies, grant);
  const residual = withMasked({ ...whole, deny: denied.allow, denyWhen: denied.allowWhen }, masked);
  return sizeOf(residual) > MAX_SHORTENED ? residual : shorten(residual);
}

/** What rules that allow with a mask allow, mask by mask. */
function maskedBy(rules: readonly LimitedRule[], grant: Grant): Masked[] {
  const byMask = Map.groupBy(rules, ({ mask }) => mask?.join(" "));
  return [...byMask.values()].flatMap((group): Masked[] => {
    const mask = group[0]?.mask;
    const allowed = allowedBy(group, grant);
    return mask === undefined || isEmpty(allowed) ? [] : [{ ...allowed, mask }];
  });
}

function withMasked(residual: Residual, masked: readonly Masked[]): Residual {
  return masked.length === 0 ? residual : { ...residual, masked };
}

function isEmpty({ allow, allowWhen }: Allowed): boolean {
  return allow.length + allowWhen.length === 0;
}

function sizeOf({ allow, deny, allowWhen, denyWhen, masked = [] }: Residual): number {
  const ofMasked = masked.reduce((sum, each) => sum + each.allow.length + each.allowWhen.length, 0);
  return allow.length + deny.length + allowWhen.length + denyWhen.length + ofMasked;
}

/** What a residual allows and a scope lets through: it never allows more than either. */
function limitByScope(residual: Residual, scope: Scope | undefined, permission: string): Residual {
  if (scope === undefined) return residual;
  const within = topicsWithin(scope, permission);
  const limited = (pattern: string): string[] => within.flatMap((topics) => intersectPatterns(pattern, topics) ?? []);
  const limit = ({ allow, allowWhen }: Allowed): Allowed => ({
    allow: [...new Set(allow.flatMap(limited))],
    allowWhen: allowWhen.flatMap(({ pattern, when }) => limited(pattern).map((each) => ({ pattern: each, when }))),
  });
  const { masked: maskedBefore = [], deny, denyWhen } = residual;
  const whole = limit(residual);
  const masked = maskedBefore.map((each) => ({ mask: each.mask, ...limit(each) })).filter((each) => !isEmpty(each));
  return isEmpty(whole) && masked.length === 0 ? DENIED : withMasked({ ...whole, deny, denyWhen }, masked);
}

function rulesOf({ limited }: Row, effect: Effect): LimitedRule[] {
  return limited.filter((rule) => rule.effect === effect);
}

/** The topics that rules of one effect are about. */
function allowedBy(rules: readonly LimitedRule[], grant: Grant): Allowed {
  const filled = rules.flatMap((rule) => fillRule(rule, grant) ?? []);
  const always = filled.flatMap(({ patterns, when }) => (when === undefined ? patterns : []));
  const sometimes = filled.flatMap(({ patterns, when }) =>
    when === undefined ? [] : patterns.map((pattern) => ({ pattern, when })),
  );
  return { allow: [...new Set(always)].toSorted(), allowWhen: sometimes };
}

/** Without patterns that others say already, and without denials of what is not allowed. */
function shorten(residual: Residual): Residual {
  const denied = withoutCovered(residual.deny);
  const whole = shortenAllowed(residual, denied);
  const masked = (residual.masked ?? [])
    .map((each) => ({ mask: each.mask, ...shortenAllowed(each, [...denied, ...whole.allow]) }))
    .filter((each) => !isEmpty(each));
  const reach = [whole, ...masked].flatMap(({ allow, allowWhen }) => [...allow, ...allowWhen.map(patternOf)]);
  const isWithinReach = (pattern: string): boolean => reach.some((other) => patternsOverlap(pattern, other));
  const shortened = {
    ...whole,
    deny: denied.filter(isWithinReach),
    denyWhen: residual.denyWhen.filter(({ pattern }) => isWithinReach(pattern) && !isCovered(pattern, denied)),
  };
  return withMasked(shortened, masked);
}

/** Without what is settled already. */
function shortenAllowed({ allow, allowWhen }: Allowed, settled: readonly string[]): Allowed {
  const always = withoutCovered(allow).filter((pattern) => !isCovered(pattern, settled));
  const open = allowWhen.filter(({ pattern }) => !isCovered(pattern, settled) && !isCovered(pattern, always));
  return { allow: always, allowWhen: open };
}

function patternOf({ pattern }: ConditionalPattern): string {
  return pattern;
}

function isCovered(pattern: string, others: readonly string[]): boolean {
  return others.some((wider) => patternCovers(wider, pattern));
}

function withoutCovered(patterns: readonly string[]): string[] {
  return patterns.filter((pattern) => !patterns.some((wider) => wider !== pattern && patternCovers(wider, pattern)));
}
