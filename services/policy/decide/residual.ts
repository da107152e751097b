import { patternCovers, patternsOverlap } from "#shared/contract/topics.ts";
import { fillSub } from "./fill-template.ts";
import type { Grant } from "./grant.ts";
import { hasRole, intersects } from "./role-set.ts";
import type { Row, Snapshot } from "./snapshot.ts";

/**
 * What is left to decide once the grant and the permission are known: an event is let through when its topic matches one
 * of `allow` and none of `deny`.
 */
export interface Residual {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Finding what covers what costs the square of the number of patterns; the longer form decides the same. */
const MAX_SHORTENED = 32;

const DENIED: Residual = { allow: [], deny: [] };
const ALLOWED: Residual = { allow: [">"], deny: [] };

/** The residual of a grant and a permission, in its shortest form: equal decisions have equal residuals in most cases. */
export function residualOf(snapshot: Snapshot, grant: Grant, permission: string): Residual {
  const row = snapshot.rowOf(permission);
  if (intersects(row.deny, grant.roles)) return DENIED;
  const isAllowed = intersects(row.allow, grant.roles);
  if (row.conditions.length === 0) return isAllowed ? ALLOWED : DENIED;
  const allow = isAllowed ? [">"] : patternsOf(row, "allow", grant);
  if (allow.length === 0) return DENIED;
  const deny = patternsOf(row, "deny", grant);
  return allow.length + deny.length > MAX_SHORTENED ? { allow, deny } : shorten({ allow, deny });
}

function shorten({ allow, deny }: Residual): Residual {
  const denied = withoutCovered(deny);
  const left = withoutCovered(allow).filter((pattern) => !denied.some((wider) => patternCovers(wider, pattern)));
  return { allow: left, deny: denied.filter((pattern) => left.some((other) => patternsOverlap(pattern, other))) };
}

function patternsOf({ conditions }: Row, effect: "allow" | "deny", grant: Grant): string[] {
  const patterns = conditions
    .filter((rule) => rule.effect === effect && hasRole(grant.roles, rule.role))
    .map((rule) => fillSub(rule.template, rule.effect, grant.sub))
    .filter((pattern) => pattern !== undefined);
  return [...new Set(patterns)].toSorted();
}

function withoutCovered(patterns: readonly string[]): string[] {
  return patterns.filter((pattern) => !patterns.some((wider) => wider !== pattern && patternCovers(wider, pattern)));
}
