import { topicMatches } from "#shared/contract/topics.ts";
import type { Grant } from "./grant.ts";
import { hasRole, intersects } from "./role-set.ts";
import { fillSub } from "./fill-template.ts";
import type { Condition, Snapshot } from "./snapshot.ts";

/**
 * Whether the grant has the permission on an event with this topic; without a topic, whether it has it on every topic.
 * Silence denies; deny beats allow.
 */
export function decide(snapshot: Snapshot, grant: Grant, permission: string, topic?: string): boolean {
  const { allow, deny, conditions } = snapshot.rowOf(permission);
  if (intersects(deny, grant.roles)) return false;
  // Two bit tests decide nearly everything, 30 million times a second; filling in a pattern costs ten times as much.
  if (conditions.length === 0) return intersects(allow, grant.roles);
  if (conditions.some((rule) => rule.effect === "deny" && applies(rule, grant, topic))) return false;
  if (intersects(allow, grant.roles)) return true;
  return topic !== undefined && conditions.some((rule) => rule.effect === "allow" && applies(rule, grant, topic));
}

function applies(rule: Condition, grant: Grant, topic: string | undefined): boolean {
  if (!hasRole(grant.roles, rule.role)) return false;
  if (topic === undefined) return true;
  const pattern = fillSub(rule.template, rule.effect, grant.sub);
  return pattern !== undefined && topicMatches(pattern, topic);
}
