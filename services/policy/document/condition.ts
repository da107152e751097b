import type { ValueType } from "#shared/contract/typed-value.ts";

/** When a rule holds: a typed expression over the subject's attributes and those of the event. */
export type Condition =
  | { readonly kind: "and" | "or"; readonly conditions: readonly Condition[] }
  | { readonly kind: "not"; readonly condition: Condition }
  | Comparison;

/** Comparisons; `!=`, `not in` and the like are a `not` around them. */
export type Comparison =
  | { readonly kind: "equal"; readonly left: SingleOperand; readonly right: SingleOperand }
  | { readonly kind: "in" | "startsWith" | "endsWith"; readonly left: SingleOperand; readonly right: ListOperand }
  | { readonly kind: "inRange"; readonly left: SingleOperand; readonly ranges: readonly string[] }
  | {
      readonly kind: "compare";
      readonly left: SingleOperand;
      readonly operator: "==" | OrderOperator;
      readonly right: TypedLiteral;
    }
  | {
      readonly kind: "order";
      readonly left: SingleOperand;
      readonly operator: OrderOperator;
      readonly right: SingleOperand;
    };

/** Operators over what has an order. */
export type OrderOperator = "<" | "<=" | ">" | ">=";

/** What one value is read from. */
export type SingleOperand =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "event" | "subject"; readonly name: string };

/** What a list of values is read from; a subject's single value is a list of one. */
export type ListOperand =
  | { readonly kind: "list"; readonly values: readonly string[] }
  | { readonly kind: "subject"; readonly name: string };

/** A number, a time, `true` or `false`, as the document spells it. */
export interface TypedLiteral {
  readonly kind: ValueType;
  readonly value: string;
}

/** The attribute of every subject that is its own name. */
export const SUBJECT_ID = "id";

/** The comparisons of a condition, from left to right; none without one. */
export function comparisonsIn(condition: Condition | undefined): Comparison[] {
  if (condition === undefined) return [];
  if ("condition" in condition) return comparisonsIn(condition.condition);
  return "conditions" in condition ? condition.conditions.flatMap(comparisonsIn) : [condition];
}

/** How many comparisons a condition may cost at an event: each range of addresses is one. */
export function countComparisons(condition: Condition | undefined): number {
  return comparisonsIn(condition).reduce((sum, each) => sum + (each.kind === "inRange" ? each.ranges.length : 1), 0);
}

/** The names of the subject's attributes that a condition looks at. */
export function subjectNames(condition: Condition): string[] {
  return comparisonsIn(condition).flatMap((comparison) => {
    const operands = "right" in comparison ? [comparison.left, comparison.right] : [comparison.left];
    return operands.flatMap((operand) => (operand.kind === "subject" ? [operand.name] : []));
  });
}

/** A condition as a document may spell it; equal conditions have equal texts. */
export function conditionText(condition: Condition): string {
  if ("condition" in condition) return negatedText(condition.condition);
  if ("conditions" in condition) return condition.conditions.map(groupedText).join(` ${condition.kind} `);
  return comparisonText(condition, operatorOf(condition));
}

function negatedText(condition: Condition): string {
  switch (condition.kind) {
    case "and":
    case "or":
    case "not":
    case "order":
      return `not ${groupedText(condition)}`;
    case "equal":
      return comparisonText(condition, "!=");
    case "compare":
      return condition.operator === "==" ? comparisonText(condition, "!=") : `not ${conditionText(condition)}`;
    case "in":
    case "inRange":
    case "startsWith":
    case "endsWith":
      return comparisonText(condition, `not ${operatorOf(condition)}`);
  }
}

function groupedText(condition: Condition): string {
  const text = conditionText(condition);
  return condition.kind === "and" || condition.kind === "or" ? `(${text})` : text;
}

function operatorOf(comparison: Comparison): string {
  if ("operator" in comparison) return comparison.operator;
  if (comparison.kind === "equal") return "==";
  return comparison.kind === "inRange" ? "in" : comparison.kind;
}

function comparisonText(comparison: Comparison, operator: string): string {
  const right = "ranges" in comparison ? rangesText(comparison.ranges) : operandText(comparison.right);
  const isPart = comparison.kind === "startsWith" || comparison.kind === "endsWith";
  return `${operandText(comparison.left)} ${operator} ${isPart ? partsText(comparison.right) : right}`;
}

/** One text stands for a list of one. */
function partsText(right: ListOperand): string {
  if (right.kind === "subject") return operandText(right);
  const [first, ...others] = right.values;
  return first !== undefined && others.length === 0 ? quote(first) : operandText(right);
}

function rangesText(ranges: readonly string[]): string {
  return ranges.length === 1 ? (ranges[0] ?? "") : `[${ranges.join(", ")}]`;
}

function operandText(operand: SingleOperand | ListOperand | TypedLiteral): string {
  if (operand.kind === "list") return `[${operand.values.map(quote).join(", ")}]`;
  if ("name" in operand) return `${operand.kind}.${operand.name}`;
  return operand.kind === "text" ? quote(operand.value) : operand.value;
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
