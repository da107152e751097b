import { type Scope, topicsWithin } from "#shared/protocol/scope.ts";
import { patternCovers } from "#shared/protocol/topics.ts";

/** Whether a scope lets a permission through on everything under a topic pattern. */
export function isWithinScope(scope: Scope | undefined, permission: string, topic: string): boolean {
  return scope === undefined || topicsWithin(scope, permission).some((pattern) => patternCovers(pattern, topic));
}
