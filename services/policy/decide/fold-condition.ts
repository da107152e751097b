import type { EventCondition } from "#shared/contract/event-condition.ts";
import type { Condition, ListOperand, SingleOperand } from "../document/condition.ts";

/** What a rule does. */
export type Effect = "allow" | "deny";

/** The values of an attribute of the subject; undefined where it has none of that name. */
export type ValuesOf = (name: string) => readonly string[] | undefined;

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
  switch (condition.kind) {
    case "not":
      return fold(condition.condition, { ...folding, wanted: !folding.wanted });
    case "and":
    case "or":
      // De Morgan: a negated `and` is the `or` of what is negated.
      return join(
        (condition.kind === "and") === folding.wanted ? "all" : "any",
        condition.conditions.map((each) => fold(each, folding)),
      );
    case "equal":
      return foldEqual(readSingle(condition.left, folding), readSingle(condition.right, folding), folding);
    case "in":
      return foldIn(readSingle(condition.left, folding), readList(condition.right, folding), folding);
  }
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

function foldEqual(left: Single, right: Single, folding: Folding): boolean | EventCondition {
  if (left === undefined || right === undefined) return folding.ifUnknown;
  if ("value" in right) return foldIn(left, [right.value], folding);
  if ("value" in left) return foldIn(right, [left.value], folding);
  return { kind: folding.wanted ? "same" : "different", attribute: left.attribute, other: right.attribute };
}

function foldIn(
  left: Single,
  values: readonly string[] | undefined,
  { ifUnknown, wanted }: Folding,
): boolean | EventCondition {
  if (left === undefined || values === undefined) return ifUnknown;
  if ("value" in left) return values.includes(left.value) === wanted;
  // Nothing is in an empty list, whatever the event says.
  if (values.length === 0) return !wanted;
  return { kind: wanted ? "oneOf" : "noneOf", attribute: left.attribute, values };
}
