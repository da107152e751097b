import { patternCovers, patternsOverlap } from "#shared/protocol/topics.ts";
import { conditionText } from "./condition.ts";
import type { Rule } from "./policy-document.ts";

/**
 * Whether `outer` holds wherever `inner` does. Placeholders and conditions are compared as they are spelled: within one
 * decision each stands for one thing.
 */
export function ruleCovers(outer: Rule, inner: Rule): boolean {
  if (!patternCovers(asPattern(outer.permission), asPattern(inner.permission))) return false;
  if (outer.topic !== undefined && !patternCovers(outer.topic, inner.topic ?? ">")) return false;
  if (outer.when === undefined) return true;
  return inner.when !== undefined && conditionText(outer.when) === conditionText(inner.when);
}

/** Whether there may be something that both rules hold for; a placeholder may stand for anything, and a condition be met. */
export function rulesOverlap(a: Rule, b: Rule): boolean {
  if (!patternsOverlap(asPattern(a.permission), asPattern(b.permission))) return false;
  return patternsOverlap(withoutPlaceholders(a.topic), withoutPlaceholders(b.topic));
}

/** A permission's last `*` stands for one or more tokens, as `>` does in a topic. */
function asPattern(permission: string): string {
  return permission.replaceAll(":", ".").replace(/\*$/, ">");
}

function withoutPlaceholders(topic = ">"): string {
  return topic.replaceAll(/\{[^}]*\}/g, "*");
}
