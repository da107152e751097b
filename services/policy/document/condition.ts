/** When a rule holds: a typed expression over the subject's attributes and those of the event. */
export type Condition =
  | { readonly kind: "and" | "or"; readonly conditions: readonly Condition[] }
  | { readonly kind: "not"; readonly condition: Condition }
  | Comparison;

/** `==` and `in`; their negations are a `not` around them. */
export type Comparison =
  | { readonly kind: "equal"; readonly left: SingleOperand; readonly right: SingleOperand }
  | { readonly kind: "in"; readonly left: SingleOperand; readonly right: ListOperand };

/** What one value is read from. */
export type SingleOperand =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "event" | "subject"; readonly name: string };

/** What a list of values is read from; a subject's single value is a list of one. */
export type ListOperand =
  | { readonly kind: "list"; readonly values: readonly string[] }
  | { readonly kind: "subject"; readonly name: string };

export type Operand = SingleOperand | ListOperand;

/** The attribute of every subject that is its own name. */
export const SUBJECT_ID = "id";

/** The names of the subject's attributes that a condition looks at. */
export function subjectNames(condition: Condition): string[] {
  switch (condition.kind) {
    case "and":
    case "or":
      return condition.conditions.flatMap(subjectNames);
    case "not":
      return subjectNames(condition.condition);
    case "equal":
    case "in":
      return [condition.left, condition.right].flatMap((operand) => (operand.kind === "subject" ? [operand.name] : []));
  }
}

/** How many comparisons are in a condition; none without one. */
export function countComparisons(condition: Condition | undefined): number {
  switch (condition?.kind) {
    case undefined:
      return 0;
    case "and":
    case "or":
      return condition.conditions.reduce((sum, each) => sum + countComparisons(each), 0);
    case "not":
      return countComparisons(condition.condition);
    case "equal":
    case "in":
      return 1;
  }
}

/** A condition as a document may spell it; equal conditions have equal texts. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case "and":
    case "or":
      return condition.conditions.map(groupedText).join(` ${condition.kind} `);
    case "not":
      return negatedText(condition.condition);
    case "equal":
      return `${operandText(condition.left)} == ${operandText(condition.right)}`;
    case "in":
      return `${operandText(condition.left)} in ${operandText(condition.right)}`;
  }
}

function negatedText(condition: Condition): string {
  if (condition.kind === "equal") return `${operandText(condition.left)} != ${operandText(condition.right)}`;
  if (condition.kind === "in") return `${operandText(condition.left)} not in ${operandText(condition.right)}`;
  return `not ${groupedText(condition)}`;
}

function groupedText(condition: Condition): string {
  const text = conditionText(condition);
  return condition.kind === "and" || condition.kind === "or" ? `(${text})` : text;
}

function operandText(operand: Operand): string {
  if (operand.kind === "text") return quote(operand.value);
  if (operand.kind === "list") return `[${operand.values.map(quote).join(", ")}]`;
  return `${operand.kind}.${operand.name}`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
