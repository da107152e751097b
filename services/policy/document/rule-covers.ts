import { patternCovers, patternsOverlap } from "#shared/contract/topics.ts";
import type { Rule } from "./policy-document.ts";

/**
 * Whether `outer` holds wherever `inner` does. Placeholders are compared as they are spelled: within one decision each
 * stands for one value.
 */
export function ruleCovers(outer: Rule, inner: Rule): boolean {
  if (!patternCovers(asPattern(outer.permission), asPattern(inner.permission))) return false;
  return outer.topic === undefined || patternCovers(outer.topic, inner.topic ?? ">");
}

/** Whether there may be something that both rules hold for; a placeholder may stand for anything. */
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
