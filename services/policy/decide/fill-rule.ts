import { type EventAttributes, type EventCondition, eventConditionHolds } from "#shared/contract/event-condition.ts";
import { topicMatches } from "#shared/contract/topics.ts";
import { fillTemplate } from "./fill-template.ts";
import { foldCondition, type ValuesOf } from "./fold-condition.ts";
import { type Grant, valuesOf } from "./grant.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { hasRole } from "./role-set.ts";

/** An event, as far as rules look at it. */
export interface DecidedEvent {
  readonly topic: string;
  /** CloudEvents attributes by name: `region` is what producers send in the header `ce-region`. */
  readonly attributes: EventAttributes;
}

/** What a rule says to one grant: nothing, or something about these topics, possibly on a condition. */
export interface FilledRule {
  readonly patterns: readonly string[];
  readonly when: EventCondition | undefined;
}

/** A rule with a grant's values filled in; undefined where the grant is not of its role, or it cannot hold. */
export function fillRule({ role, effect, template, when }: LimitedRule, grant: Grant): FilledRule | undefined {
  if (!hasRole(grant.roles, role)) return undefined;
  const values: ValuesOf = (name) => valuesOf(grant, name);
  const folded = when === undefined || foldCondition(when, values, effect);
  if (folded === false) return undefined;
  const patterns = fillTemplate(template, effect, values);
  return patterns.length === 0 ? undefined : { patterns, when: folded === true ? undefined : folded };
}

/** Whether the rule holds on the event; without one, whether it allows on every event, or denies on any. */
export function ruleHolds(rule: LimitedRule, grant: Grant, event: DecidedEvent | undefined): boolean {
  const filled = fillRule(rule, grant);
  if (filled === undefined) return false;
  const { patterns, when } = filled;
  const isDenial = rule.effect === "deny";
  if (event === undefined) return isDenial || (patterns.includes(">") && when === undefined);
  if (!patterns.some((pattern) => topicMatches(pattern, event.topic))) return false;
  return when === undefined || eventConditionHolds(when, event.attributes, isDenial);
}
