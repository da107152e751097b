import { type EventCondition, unknownAttributes } from "#shared/contract/event-condition.ts";
import { type DecidedEvent, EVERY_EVENT, fillRule, ruleHolds } from "./fill-rule.ts";
import { placeholdersIn } from "./fill-template.ts";
import type { Effect } from "./fold-condition.ts";
import { type Grant, valuesOf } from "./grant.ts";
import type { LimitedRule } from "./limited-rule.ts";
import { hasRole } from "./role-set.ts";
import { ownerAt, ruleAt } from "./rule-table.ts";
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

/** The rules about a permission that a grant has. */
export interface ConsideredRules {
  /** In the document's order, and of a role what denies before what allows: the first 256, with the one that decides. */
  readonly considered: readonly ConsideredRule[];
  /** How many there are beyond those. */
  readonly more: number;
}

/** Of 16 384 rules about one permission the texts alone took 30 ms. */
const MAX_CONSIDERED = 256;

/** All rules about the permission that the grant has, and whether each holds on the event. */
export function considerRules(
  snapshot: Snapshot,
  grant: Grant,
  permission: string,
  event: DecidedEvent,
): ConsideredRules {
  const held = heldPlaces(snapshot, grant, permission);
  const considered = shownPlaces(held, winningPlace(snapshot, held, grant, event)).map((place): ConsideredRule => {
    const { rule, text } = ruleAt(snapshot.compiled.rules, place);
    const holds = ruleHolds(rule, grant, event);
    const because = holds ? whyItHolds(rule, grant, event) : whyItDoesNot(rule, grant, event);
    return { role: snapshot.roleNames[rule.role] ?? "", effect: rule.effect, rule: text, holds, because };
  });
  return { considered, more: held.length - considered.length };
}

/** The rule that `decide` follows: the first that denies, else the first that allows. */
export function winnerOf<Rule extends ConsideredRule>(considered: readonly Rule[]): Rule | undefined {
  const holding = considered.filter(({ holds }) => holds);
  return holding.find(({ effect }) => effect === "deny") ?? holding[0];
}

function shownPlaces(held: readonly number[], winner: number | undefined): readonly number[] {
  const shown = held.slice(0, MAX_CONSIDERED);
  return winner === undefined || shown.includes(winner) ? shown : [...shown.slice(0, -1), winner];
}

/** Of each role what denies comes first. */
function heldPlaces({ compiled: { rules }, placesAbout }: Snapshot, grant: Grant, permission: string): number[] {
  const order = (place: number): number => {
    const { role, effect } = ownerAt(rules, place);
    return role * 2 + (effect === "deny" ? 0 : 1);
  };
  return [...placesAbout(permission)]
    .filter((place) => hasRole(grant.roles, ownerAt(rules, place).role))
    .toSorted((a, b) => order(a) - order(b) || a - b);
}

function winningPlace(
  snapshot: Snapshot,
  places: readonly number[],
  grant: Grant,
  event: DecidedEvent,
): number | undefined {
  const holds = (place: number): boolean => {
    const special = snapshot.compiled.rules.special.get(place);
    return special === undefined || ruleHolds(special.rule, grant, event);
  };
  const isDeny = (place: number): boolean => ownerAt(snapshot.compiled.rules, place).effect === "deny";
  return places.find((place) => isDeny(place) && holds(place)) ?? places.find(holds);
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
  if (rule.mask !== undefined && event.canBeMasked !== true) {
    return "it shows a part of events, and the whole is asked about";
  }
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
