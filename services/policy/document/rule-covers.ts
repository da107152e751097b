import { permissionAsTopics } from "#shared/protocol/permissions.ts";
import { patternCovers, patternsOverlap } from "#shared/protocol/topics.ts";
import { conditionText } from "./condition.ts";
import type { Rule } from "./policy-document.ts";

/**
 * Whether `outer` holds wherever `inner` does, and hides nothing that `inner` shows. Placeholders and conditions are compared as
 * they are spelled: within one decision each stands for one thing.
 */
export function ruleCovers(outer: Rule, inner: Rule): boolean {
  if (!patternCovers(permissionAsTopics(outer.permission), permissionAsTopics(inner.permission))) return false;
  if (outer.topic !== undefined && !patternCovers(outer.topic, inner.topic ?? ">")) return false;
  if (outer.mask?.some((field) => inner.mask?.includes(field) !== true) === true) return false;
  if (outer.when === undefined) return true;
  return inner.when !== undefined && conditionText(outer.when) === conditionText(inner.when);
}

/** Whether there may be something that both rules hold for; a placeholder may stand for anything, and a condition be met. */
export function rulesOverlap(a: Rule, b: Rule): boolean {
  if (!patternsOverlap(permissionAsTopics(a.permission), permissionAsTopics(b.permission))) return false;
  return patternsOverlap(withoutPlaceholders(a.topic), withoutPlaceholders(b.topic));
}

function withoutPlaceholders(topic = ">"): string {
  return topic.replaceAll(/\{[^}]*\}/g, "*");
}
