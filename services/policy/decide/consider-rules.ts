import { type EventCondition, unknownAttributes } from "#shared/contract/event-condition.ts";
import { permissionMatches } from "#shared/protocol/permissions.ts";
import { ruleText } from "../document/policy-document.ts";
import { type DecidedEvent, EVERY_EVENT, fillRule, ruleHolds } from "./fill-rule.ts";
import { placeholdersIn } from "./fill-template.ts";
import type { Effect } from "./fold-condition.ts";
import { type Grant, valuesOf } from "./grant.ts";
import { limitedRule, type LimitedRule } from "./limited-rule.ts";
import { hasRole } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** A rule that was looked at for a decision. */
export interface ConsideredRule {
  readonly role: string;
  readonly effect: Effect;
  /** As people read it. */
  readonly rule: string;
  readonly holds: boolean;
  readonly because: string;
}

/** All rules about the permission that the grant has, in the document's order, and whether each holds on the event. */
export function considerRules(
  { document: { tenant, roles }, roleBits }: Snapshot,
  grant: Grant,
  permission: string,
  event: DecidedEvent,
): ConsideredRule[] {
  const held = [...roles].filter(([name]) => hasRole(grant.roles, roleBits.get(name) ?? -1));
  return held.flatMap(([role, rules]) =>
    (["deny", "allow"] as const).flatMap((effect) =>
      rules[effect]
        .filter((rule) => permissionMatches(rule.permission, permission))
        .map((rule) => {
          const limited = limitedRule(rule, roleBits.get(role) ?? -1, effect, tenant);
          const holds = ruleHolds(limited, grant, event);
          const because = holds ? whyItHolds(limited, grant, event) : whyItDoesNot(limited, grant, event);
          return { role, effect, rule: ruleText(rule), holds, because };
        }),
    ),
  );
}

/** The rule that `decide` follows: the first that denies, else the first that allows. */
export function winnerOf<Rule extends ConsideredRule>(considered: readonly Rule[]): Rule | undefined {
  const holding = considered.filter(({ holds }) => holds);
  return holding.find(({ effect }) => effect === "deny") ?? holding[0];
}

function whyItHolds(rule: LimitedRule, grant: Grant, event: DecidedEvent): string {
  const { patterns = [], when } = fillRule(rule, grant) ?? {};
  if (event === EVERY_EVENT && !(patterns.includes(">") && when === undefined)) {
    return "it denies some events, and every one is asked about";
  }
  const scope = patterns.includes(">") ? "it is about every topic" : `it is about ${patterns.join(", ")}`;
  if (when === undefined) return scope;
  const unknown = whatIsUnknown(when, event);
  if (unknown === undefined || rule.effect === "allow") return `${scope}, and its condition is met`;
  return `${scope}, and ${unknown}, which denies`;
}

function whyItDoesNot(rule: LimitedRule, grant: Grant, event: DecidedEvent): string {
  const filled = fillRule(rule, grant);
  if (filled === undefined) return whyItCannot(rule, grant);
  const { patterns, when } = filled;
  if (event === EVERY_EVENT) return "it allows some events only, and every one is asked about";
  const isAbout = ruleHolds({ ...rule, when: undefined }, grant, event);
  if (!isAbout || when === undefined) return `it is about ${patterns.join(", ")}, not about ${event.topic}`;
  const unknown = whatIsUnknown(when, event);
  return unknown === undefined ? "its condition is not met" : `its condition is not met: ${unknown}`;
}

function whyItCannot({ template, when }: LimitedRule, grant: Grant): string {
  const absent = placeholdersIn(template).filter((name) => (valuesOf(grant, name) ?? []).length === 0);
  if (absent.length > 0) return `the subject has no ${absent.join(", ")}`;
  return when === undefined
    ? "no value of the subject can stand in a topic"
    : "its condition is not met by the subject";
}

/** The attributes that a condition asks about and the event lacks, or says something else of than can be compared. */
function whatIsUnknown(condition: EventCondition, { attributes }: DecidedEvent): string | undefined {
  const names = new Set(unknownAttributes(condition, attributes));
  const { absent = [], present = [] } = Object.groupBy(names, (name) =>
    Object.hasOwn(attributes, name) ? "present" : "absent",
  );
  const parts = [
    ...(absent.length === 0 ? [] : [`the event does not say ${absent.join(", ")}`]),
    ...(present.length === 0 ? [] : [`what the event says of ${present.join(", ")} cannot be compared`]),
  ];
  return parts.length === 0 ? undefined : parts.join(", and ");
}
