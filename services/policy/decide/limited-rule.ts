import type { Condition } from "../document/condition.ts";
import type { Rule } from "../document/policy-document.ts";
import { fillTenant } from "./fill-template.ts";
import type { Effect } from "./fold-condition.ts";

/** A rule that holds on some topics only, or on a condition, or shows a part of an event only. */
export interface LimitedRule {
  readonly role: number;
  readonly effect: Effect;
  /** A topic pattern in which tokens may be placeholders of the subject's attributes; `>` is any topic. */
  readonly template: string;
  readonly when: Condition | undefined;
  /** The fields that events are delivered without. */
  readonly mask?: readonly string[] | undefined;
}

/** A rule of a role (by its bit) as decisions read it, with the tenant's id filled in. */
export function limitedRule(
  { topic = ">", when, mask }: Rule,
  role: number,
  effect: Effect,
  tenant: string,
): LimitedRule {
  return { role, effect, template: fillTenant(topic, tenant), when, ...(mask === undefined ? {} : { mask }) };
}
