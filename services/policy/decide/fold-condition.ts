import { compileCondition, type EventCondition, type Operator } from "#shared/contract/event-condition.ts";
import { orderedTypeOf } from "#shared/contract/typed-value.ts";
import type { Comparison, Condition, ListOperand, SingleOperand } from "../document/condition.ts";

/** What a rule does. */
export type Effect = "allow" | "deny";

/** The values of an attribute of the subject; undefined where it has none of that name. */
export type ValuesOf = (name: string) => readonly string[] | undefined;

/** Comparisons of an attribute with a list. */
type ListKind = Extract<EventCondition, { readonly values: unknown }>["kind"];

const NEGATED: Readonly<Record<Operator, Operator>> = {
  "==": "!=",
  "!=": "==",
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
};

const FLIPPED: Readonly<Record<Operator, Operator>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** The name under which a known value is asked about. */
const KNOWN = "known";

/** How a condition is folded: for whom, for which effect, and whether it or its negation is wanted. */
interface Folding {
  readonly valuesOf: ValuesOf;
  /** What a comparison counts as that cannot be made: an allowance does not hold then, and a denial does. */
  readonly ifUnknown: boolean;
  readonly wanted: boolean;
}

/**
 * A condition with the subject's values filled in: whether it holds, or what is left to ask of the event. Comparisons with
 * what is absent are neither true nor false (Kleene's logic, K3). A rule that allows needs "true", one that denies "not
 * false"; with negations moved down to the comparisons both come out of plain `and` and `or`, and a comparison that cannot be
 * made counts against the subject wherever it stands.
 */
export function foldCondition(condition: Condition, valuesOf: ValuesOf, effect: Effect): boolean | EventCondition {
  return fold(condition, { valuesOf, ifUnknown: effect === "deny", wanted: true });
}

function fold(condition: Condition, folding: Folding): boolean | EventCondition {
  if ("condition" in condition) return fold(condition.condition, { ...folding, wanted: !folding.wanted });
  if (!("conditions" in condition)) return foldComparison(condition, folding);
  // De Morgan: a negated `and` is the `or` of what is negated.
  return join(
    (condition.kind === "and") === folding.wanted ? "all" : "any",
    condition.conditions.map((each) => fold(each, folding)),
  );
}

function join(kind: "all" | "any", parts: readonly (boolean | EventCondition)[]): boolean | EventCondition {
  const deciding = kind === "any";
  if (parts.includes(deciding)) return deciding;
  const conditions = parts.filter((part) => typeof part !== "boolean");
  const [first, ...others] = conditions;
  if (first === undefined) return !deciding;
  return others.length === 0 ? first : { kind, conditions };
}

/** One value: known, to be read from the event, or unknown. */
type Single = { readonly value: string } | { readonly attribute: string } | undefined;

/** A list that does not have exactly one value is no value. */
function readSingle(operand: SingleOperand, { valuesOf }: Folding): Single {
  if (operand.kind === "text") return { value: operand.value };
  if (operand.kind === "event") return { attribute: operand.name };
  const [value, ...others] = valuesOf(operand.name) ?? [];
  return value === undefined || others.length > 0 ? undefined : { value };
}

function readList(operand: ListOperand, { valuesOf }: Folding): readonly string[] | undefined {
  return operand.kind === "list" ? operand.values : valuesOf(operand.name);
}

function foldComparison(comparison: Comparison, folding: Folding): boolean | EventCondition {
  const { wanted } = folding;
  const left = readSingle(comparison.left, folding);
  switch (comparison.kind) {
    case "equal":
      return foldEqual(left, readSingle(comparison.right, folding), folding);
    case "in":
      return foldList(wanted ? "oneOf" : "noneOf", left, readList(comparison.right, folding), folding);
    case "startsWith":
      return foldList(wanted ? "startsWith" : "notStartsWith", left, readList(comparison.right, folding), folding);
    case "endsWith":
      return foldList(wanted ? "endsWith" : "notEndsWith", left, readList(comparison.right, folding), folding);
    case "inRange":
      return foldList(wanted ? "inRange" : "notInRange", left, comparison.ranges, folding);
    case "compare": {
      const { kind: type, value } = comparison.right;
      const operator = wanted ? comparison.operator : NEGATED[comparison.operator];
      return ask(left, (attribute) => ({ kind: "compare", attribute, operator, type, value }), folding);
    }
    case "order": {
      const operator = wanted ? comparison.operator : NEGATED[comparison.operator];
      return foldOrder(left, operator, readSingle(comparison.right, folding), folding);
    }
  }
}

function foldEqual(left: Single, right: Single, folding: Folding): boolean | EventCondition {
  if (left === undefined || right === undefined) return folding.ifUnknown;
  const kind = folding.wanted ? "oneOf" : "noneOf";
  if ("value" in right) return foldList(kind, left, [right.value], folding);
  if ("value" in left) return foldList(kind, right, [left.value], folding);
  return { kind: folding.wanted ? "same" : "different", attribute: left.attribute, other: right.attribute };
}

function foldList(
  kind: ListKind,
  left: Single,
  values: readonly string[] | undefined,
  folding: Folding,
): boolean | EventCondition {
  if (left === undefined || values === undefined) return folding.ifUnknown;
  // Nothing is in an empty list, whatever the event says.
  if (values.length === 0) return !folding.wanted;
  return ask(left, (attribute) => ({ kind, attribute, values }), folding);
}

/** A known side says by its text whether numbers or times are compared. */
function foldOrder(left: Single, operator: Operator, right: Single, folding: Folding): boolean | EventCondition {
  if (left === undefined || right === undefined) return folding.ifUnknown;
  if ("attribute" in left && "attribute" in right) {
    return { kind: "order", attribute: left.attribute, operator, other: right.attribute };
  }
  if ("attribute" in right) return foldOrder(right, FLIPPED[operator], left, folding);
  const { value } = right;
  const type = orderedTypeOf(value);
  if (type === undefined) return folding.ifUnknown;
  return ask(left, (attribute) => ({ kind: "compare", attribute, operator, type, value }), folding);
}

/** A comparison with the event's attribute as it stands; with a known value its answer, by what the edge answers too. */
function ask(
  left: Single,
  comparisonOf: (attribute: string) => EventCondition,
  { ifUnknown }: Folding,
): boolean | EventCondition {
  if (left === undefined) return ifUnknown;
  if ("attribute" in left) return comparisonOf(left.attribute);
  return compileCondition(comparisonOf(KNOWN), ifUnknown)({ [KNOWN]: left.value });
}
