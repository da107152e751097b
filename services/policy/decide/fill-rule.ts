import { compileCondition, type EventAttributes, type EventCondition } from "#shared/contract/event-condition.ts";
import { patternCovers, patternsOverlap } from "#shared/protocol/topics.ts";
import { fillTemplate } from "./fill-template.ts";
import { foldCondition, type ValuesOf } from "./fold-condition.ts";
import { type Grant, valuesOf } from "./grant.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { hasRole } from "./role-set.ts";

/** An event, as far as rules look at it. */
export interface DecidedEvent {
  /** A pattern stands for whatever happens under it. */
  readonly topic: string;
  /** CloudEvents attributes by name: `region` is what producers send in the header `ce-region`. */
  readonly attributes: EventAttributes;
  /**
   * Whether what is asked about is the event's delivery, which can leave fields out. Whoever asks for a permission or a request
   * shows everything.
   */
  readonly canBeMasked?: boolean;
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

/** Whatever happens: a rule allows that only without a condition, and every denial holds on some of it. */
export const EVERY_EVENT: DecidedEvent = { topic: ">", attributes: {} };

/**
 * Whether the rule holds on the event. Where the topic is a pattern, it allows only what it allows under all of it, and
 * denies what it denies under any of it; without an event, so on every one.
 */
export function ruleHolds(rule: LimitedRule, grant: Grant, event: DecidedEvent = EVERY_EVENT): boolean {
  const filled = fillRule(rule, grant);
  if (filled === undefined || (rule.mask !== undefined && event.canBeMasked !== true)) return false;
  const isDenial = rule.effect === "deny";
  // On a topic without wildcards both are: the topic matches.
  const concerns = isDenial ? patternsOverlap : patternCovers;
  if (!filled.patterns.some((pattern) => concerns(pattern, event.topic))) return false;
  return filled.when === undefined || compileCondition(filled.when, isDenial)(event.attributes);
}
