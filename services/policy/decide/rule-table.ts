import { type PolicyDocument, type Rule, ruleText } from "../document/policy-document.ts";
import type { Effect } from "./fold-condition.ts";
import { limitedRule, type LimitedRule } from "./limited-rule.ts";

/** A rule that has more than a permission, and its text. */
export interface SpecialRule {
  readonly rule: LimitedRule;
  readonly text: string;
}

/**
 * All rules of a document by their permissions, in a form that one thread makes and another takes in at the cost of a copy. The
 * place of a rule is its number in the document, role by role, what allows before what denies.
 */
export interface RuleTable {
  /** Each permission pattern once. */
  readonly patterns: readonly string[];
  /** For each pattern, where its rules begin in `places`; then where those of the last one end. */
  readonly starts: Uint32Array;
  /** The places of the rules, pattern by pattern. */
  readonly places: Uint32Array;
  /** For each place: the bit of the role, doubled, and one more where the rule denies. */
  readonly owners: Uint16Array;
  /** For each place: the number of its pattern. */
  readonly patternOf: Uint16Array;
  /** By place; every other rule is its pattern, on any topic. */
  readonly special: ReadonlyMap<number, SpecialRule>;
}

/** Makes the table of a document's rules. */
export function tableOfRules({ tenant, roles }: PolicyDocument): RuleTable {
  const rules = [...roles.values()].flatMap(({ allow, deny }, bit) => [
    ...allow.map((rule) => ({ rule, bit, effect: "allow" as const })),
    ...deny.map((rule) => ({ rule, bit, effect: "deny" as const })),
  ]);
  const placesOf = Map.groupBy(rules.keys(), (place) => rules[place]?.rule.permission ?? "");
  const special = rules.flatMap(({ rule, bit, effect }, place): Array<[number, SpecialRule]> =>
    isPlain(rule) ? [] : [[place, { rule: limitedRule(rule, bit, effect, tenant), text: ruleText(rule) }]],
  );
  const starts = new Uint32Array(placesOf.size + 1);
  const patternOf = new Uint16Array(rules.length);
  let end = 0;
  for (const [index, places] of [...placesOf.values()].entries()) {
    end += places.length;
    starts[index + 1] = end;
    for (const place of places) patternOf[place] = index;
  }
  return {
    patterns: [...placesOf.keys()],
    starts,
    places: Uint32Array.from([...placesOf.values()].flat()),
    owners: Uint16Array.from(rules, ({ bit, effect }) => bit * 2 + (effect === "deny" ? 1 : 0)),
    patternOf,
    special: new Map(special),
  };
}

function isPlain({ topic, when, mask }: Rule): boolean {
  return (topic ?? when ?? mask) === undefined;
}

/** The rule at a place, and its text. */
export function ruleAt(table: RuleTable, place: number): SpecialRule {
  const special = table.special.get(place);
  if (special !== undefined) return special;
  const rule = { ...ownerAt(table, place), template: ">", when: undefined };
  return { rule, text: table.patterns[table.patternOf[place] ?? 0] ?? "" };
}

/** The bit of the role that has the rule, and what the rule says. */
export function ownerAt({ owners }: RuleTable, place: number): { readonly role: number; readonly effect: Effect } {
  const owner = owners[place] ?? 0;
  return { role: owner >>> 1, effect: (owner & 1) === 1 ? "deny" : "allow" };
}
