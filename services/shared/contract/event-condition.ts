import { type AddressRange, isInRange, readAddress, readRange } from "./address-range.ts";
import { ORDERED_TYPES, readTyped, type ValueType } from "./typed-value.ts";

const OPERATORS = ["==", "!=", "<", "<=", ">", ">="] as const;

/** How two values of a type are compared. */
export type Operator = (typeof OPERATORS)[number];

/** Whether a text is an operator. */
export function isOperator(text: string): text is Operator {
  return (OPERATORS as readonly string[]).includes(text);
}

/**
 * What a rule asks of an event's attributes once its subject is known, such as `event.region in ["eu", "us"]`. Only
 * comparisons are negated, so what cannot be compared has one meaning everywhere: see `compileCondition`.
 */
export type EventCondition =
  | {
      /** The attribute is, or is not, one of these texts. */
      readonly kind: "oneOf" | "noneOf";
      readonly attribute: string;
      readonly values: readonly string[];
    }
  | {
      /** Two attributes are, or are not, the same text. */
      readonly kind: "same" | "different";
      readonly attribute: string;
      readonly other: string;
    }
  | {
      /** The attribute begins, or ends, with one of these texts, or with none of them. */
      readonly kind: "startsWith" | "notStartsWith" | "endsWith" | "notEndsWith";
      readonly attribute: string;
      readonly values: readonly string[];
    }
  | {
      /** The attribute is an IP address in one of these CIDR ranges, or in none of them. */
      readonly kind: "inRange" | "notInRange";
      readonly attribute: string;
      readonly values: readonly string[];
    }
  | {
      /** The attribute is of a type, and compares with this value of it. */
      readonly kind: "compare";
      readonly attribute: string;
      readonly operator: Operator;
      readonly type: ValueType;
      readonly value: string;
    }
  | {
      /** Two attributes are both numbers, or both times, and are in this order. */
      readonly kind: "order";
      readonly attribute: string;
      readonly operator: Operator;
      readonly other: string;
    }
  | { readonly kind: "all" | "any"; readonly conditions: readonly EventCondition[] };

/** Attributes of an event by name. */
export type EventAttributes = Readonly<Record<string, string>>;

/** Whether an event with these attributes meets a condition. */
export type EventTest = (attributes: EventAttributes) => boolean;

/** Whether a comparison with the text of an attribute is true; undefined where the text is not of the type. */
type ValueTest = (value: string) => boolean | undefined;

/**
 * Compiles a condition; ranges and values in it are read once. A comparison with an attribute that the event lacks, or that
 * is not of the type, counts as `ifUnknown`: false where the condition allows something, true where it denies something.
 * @throws {RangeError} where a range, or the value of a comparison, cannot be read.
 */
export function compileCondition(condition: EventCondition, ifUnknown: boolean): EventTest {
  if ("conditions" in condition) {
    const tests = condition.conditions.map((each) => compileCondition(each, ifUnknown));
    if (condition.kind === "all") return (attributes) => tests.every((test) => test(attributes));
    return (attributes) => tests.some((test) => test(attributes));
  }
  if ("other" in condition) return compileOfTwo(condition, ifUnknown);
  const test = compileComparison(condition);
  return (attributes) => {
    const value = valueOf(attributes, condition.attribute);
    return (value === undefined ? undefined : test(value)) ?? ifUnknown;
  };
}

/** The attributes of a comparison that an event lacks or that are not of the type, so that it cannot be made. */
export function unknownAttributes(condition: EventCondition, attributes: EventAttributes): string[] {
  if ("conditions" in condition) return condition.conditions.flatMap((each) => unknownAttributes(each, attributes));
  if (compileCondition(condition, true)(attributes) === compileCondition(condition, false)(attributes)) return [];
  const names = "other" in condition ? [condition.attribute, condition.other] : [condition.attribute];
  const absent = names.filter((name) => valueOf(attributes, name) === undefined);
  return absent.length > 0 ? absent : names;
}

/** Names are free, also those that every JavaScript object already answers to. */
function valueOf(attributes: EventAttributes, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function compileOfTwo(comparison: Extract<EventCondition, { readonly other: unknown }>, ifUnknown: boolean): EventTest {
  return (attributes) => {
    const left = valueOf(attributes, comparison.attribute);
    const right = valueOf(attributes, comparison.other);
    if (left === undefined || right === undefined) return ifUnknown;
    if (comparison.kind === "order") return inOrder(left, comparison.operator, right) ?? ifUnknown;
    return (left === right) === (comparison.kind === "same");
  };
}

/** Whether two texts are in this order, as numbers or as times; undefined where they are not both one of these. */
function inOrder(value: string, operator: Operator, other: string): boolean | undefined {
  for (const type of ORDERED_TYPES) {
    const right = readTyped(type, other);
    if (right === undefined) continue;
    const left = readTyped(type, value);
    return left === undefined ? undefined : compares(left, operator, right);
  }
  return undefined;
}

type ValueComparison = Exclude<EventCondition, { readonly conditions: unknown } | { readonly other: unknown }>;

function compileComparison(comparison: ValueComparison): ValueTest {
  switch (comparison.kind) {
    case "oneOf":
    case "noneOf": {
      const { values, kind } = comparison;
      return (value) => values.includes(value) === (kind === "oneOf");
    }
    case "startsWith":
    case "notStartsWith": {
      const isOne = compileEnds(comparison.values, (value, length) => value.slice(0, length));
      return (value) => isOne(value) === (comparison.kind === "startsWith");
    }
    case "endsWith":
    case "notEndsWith": {
      const isOne = compileEnds(comparison.values, (value, length) => value.slice(value.length - length));
      return (value) => isOne(value) === (comparison.kind === "endsWith");
    }
    case "inRange":
    case "notInRange":
      return compileRanges(comparison.values.map(rangeOf), comparison.kind === "inRange");
    case "compare":
      return compileCompare(comparison);
  }
}

/**
 * Whether a value begins, or ends, with one of these texts: one look for each length that they have. Comparing 64 texts in each
 * of 256 comparisons took 11 ms for an event.
 */
function compileEnds(
  texts: readonly string[],
  endOf: (value: string, length: number) => string,
): (value: string) => boolean {
  const byLength = [...Map.groupBy(texts, ({ length }) => length)].map(([length, some]) => ({
    length,
    texts: new Set(some),
  }));
  return (value) =>
    byLength.some(({ length, texts: some }) => length <= value.length && some.has(endOf(value, length)));
}

function compileRanges(ranges: readonly AddressRange[], wanted: boolean): ValueTest {
  return (value) => {
    const address = readAddress(value);
    return address === undefined ? undefined : ranges.some((range) => isInRange(address, range)) === wanted;
  };
}

function rangeOf(text: string): AddressRange {
  const range = readRange(text);
  if (range === undefined) throw new RangeError(`${JSON.stringify(text)} is no range of addresses`);
  return range;
}

function compileCompare({ type, operator, value }: Extract<EventCondition, { kind: "compare" }>): ValueTest {
  const right = readTyped(type, value);
  if (right === undefined) throw new RangeError(`${JSON.stringify(value)} is no ${type}`);
  return (text) => {
    const left = readTyped(type, text);
    return left === undefined ? undefined : compares(left, operator, right);
  };
}

function compares(left: bigint, operator: Operator, right: bigint): boolean {
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}
