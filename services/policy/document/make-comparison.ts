import {
  type Comparison,
  type Condition,
  type ListOperand,
  type OrderOperator,
  type SingleOperand,
  SUBJECT_ID,
  type TypedLiteral,
} from "./condition.ts";
import type { Token } from "./condition-tokens.ts";

/** What stands on one side of a comparison. */
export type Operand =
  | SingleOperand
  | ListOperand
  | TypedLiteral
  | { readonly kind: "typedList"; readonly values: readonly TypedLiteral[] }
  | { readonly kind: "ranges"; readonly values: readonly string[] };

/** An operand, and where it begins. */
export interface PlacedOperand {
  readonly operand: Operand;
  readonly at: Token;
}

/** What a comparison asks, without its negation. */
export type ComparisonOperator = "==" | OrderOperator | "in" | "startsWith" | "endsWith";

const FLIPPED: Readonly<Record<"==" | OrderOperator, "==" | OrderOperator>> = {
  "==": "==",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/**
 * Makes a comparison of its parts. The types of the literals in it say what is compared: texts, numbers, times, booleans or
 * addresses.
 * @throws {SyntaxError} where the parts do not go together.
 */
export function makeComparison(left: PlacedOperand, operator: ComparisonOperator, right: PlacedOperand): Condition {
  if (![left, right].some(({ operand: { kind } }) => kind === "event" || kind === "subject")) {
    throw faultAt(left.at, "one side must be `event.<name>` or `subject.<name>`");
  }
  if (operator === "in") return makeIn(asAttributeOrText(left), right);
  if (operator === "startsWith" || operator === "endsWith") {
    return { kind: operator, left: asAttribute(left, operator), right: asParts(right, operator) };
  }
  return makeOrder(left, operator, right);
}

function makeIn(left: SingleOperand, { operand, at }: PlacedOperand): Condition {
  if (operand.kind === "list") return { kind: "in", left, right: operand };
  if (operand.kind === "ranges") return { kind: "inRange", left, ranges: operand.values };
  if (operand.kind === "typedList") {
    const conditions = operand.values.map((right) => ({ kind: "compare", left, operator: "==", right }) as const);
    return conditions.length === 1 && conditions[0] !== undefined ? conditions[0] : { kind: "or", conditions };
  }
  if (operand.kind === "subject" && operand.name !== SUBJECT_ID) {
    return { kind: "in", left, right: { kind: "subject", name: operand.name } };
  }
  throw faultAt(at, "behind `in` stands a list, a range of addresses, or a `subject.<name>` that is a list");
}

function makeOrder(left: PlacedOperand, operator: "==" | OrderOperator, right: PlacedOperand): Comparison {
  const [a, b] = [asSingleOrTyped(left), asSingleOrTyped(right)];
  if (isTyped(b)) return { kind: "compare", left: a as SingleOperand, operator: ordering(operator, right), right: b };
  if (isTyped(a)) return { kind: "compare", left: b, operator: FLIPPED[ordering(operator, left)], right: a };
  if (operator === "==") return { kind: "equal", left: a, right: b };
  const text = [left, right].find(({ operand }) => operand.kind === "text");
  if (text !== undefined) throw faultAt(text.at, "texts have no order; a number or a time stands without quotes");
  return { kind: "order", left: a, operator, right: b };
}

function ordering(operator: "==" | OrderOperator, { operand, at }: PlacedOperand): "==" | OrderOperator {
  if (operand.kind === "boolean" && operator !== "==") throw faultAt(at, "true and false have no order");
  return operator;
}

function isTyped(operand: SingleOperand | TypedLiteral): operand is TypedLiteral {
  return operand.kind === "number" || operand.kind === "time" || operand.kind === "boolean";
}

function asSingleOrTyped({ operand, at }: PlacedOperand): SingleOperand | TypedLiteral {
  if (operand.kind === "ranges") throw faultAt(at, "a range of addresses may stand behind `in` only");
  if (operand.kind === "list" || operand.kind === "typedList") throw faultAt(at, "a list may stand behind `in` only");
  return operand;
}

function asAttributeOrText(placed: PlacedOperand): SingleOperand {
  const operand = asSingleOrTyped(placed);
  if (!isTyped(operand)) return operand;
  throw faultAt(placed.at, "before `in` stands `event.<name>`, `subject.<name>` or a string");
}

function asAttribute({ operand, at }: PlacedOperand, operator: string): SingleOperand {
  if (operand.kind === "event" || operand.kind === "subject") return operand;
  throw faultAt(at, `before \`${operator}\` stands \`event.<name>\` or \`subject.<name>\``);
}

function asParts({ operand, at }: PlacedOperand, operator: string): ListOperand {
  if (operand.kind === "text") return { kind: "list", values: [operand.value] };
  if (operand.kind === "list") return operand;
  if (operand.kind === "subject") return { kind: "subject", name: operand.name };
  throw faultAt(at, `behind \`${operator}\` stands a string, a list of strings or \`subject.<name>\``);
}

/** A fault at a token, for people who count characters from 1. */
export function faultAt({ at }: Token, message: string): SyntaxError {
  return new SyntaxError(`at character ${at + 1}: ${message}`);
}
