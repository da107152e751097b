import { isName } from "#shared/protocol/names.ts";
import { isValueType } from "#shared/contract/typed-value.ts";
import type { Condition } from "./condition.ts";
import { readTokens, type Token } from "./condition-tokens.ts";
import {
  type ComparisonOperator,
  faultAt,
  makeComparison,
  type Operand,
  type PlacedOperand,
} from "./make-comparison.ts";

/** The longest text of a condition, in characters. */
const MAX_CHARACTERS = 1_024;

/** How deep parentheses and `not` may be nested. */
const MAX_DEPTH = 16;

const MAX_LIST_VALUES = 64;

/** CloudEvents attributes have names of lower-case letters and digits (CloudEvents 1.0, section 3.1). */
const EVENT_NAME = /^[a-z0-9]{1,64}$/;

const OPERATORS: ReadonlyMap<Token["kind"], ComparisonOperator> = new Map([
  ["==", "=="],
  ["!=", "=="],
  ["<", "<"],
  ["<=", "<="],
  [">", ">"],
  [">=", ">="],
  ["in", "in"],
  ["startsWith", "startsWith"],
  ["endsWith", "endsWith"],
]);

/** Operators that may have `not` before them. */
const NEGATABLE: ReadonlySet<Token["kind"]> = new Set(["in", "startsWith", "endsWith"]);

const EXPECTED_OPERATOR =
  "expected `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `startsWith`, `endsWith`, or `not` before one of the last three";

/** A condition, or what is wrong with its text and at which character (from 1). */
export type ParsedCondition =
  | { readonly condition: Condition; readonly fault?: never }
  | { readonly condition?: never; readonly fault: string };

/**
 * Reads a condition. `not` binds closer than `and`, `and` closer than `or`. Comparisons are `==`, `!=`, `<`, `<=`, `>`, `>=`,
 * `in`, `startsWith` and `endsWith`, between `event.<name>`, `subject.<name>`, strings, numbers, times, booleans, ranges of
 * addresses, and lists.
 */
export function parseCondition(text: string): ParsedCondition {
  if (text.length > MAX_CHARACTERS) return { fault: `a condition may have ${MAX_CHARACTERS} characters` };
  if (!text.isWellFormed()) return { fault: "a condition must be Unicode text, without half characters" };
  try {
    return { condition: new ConditionReader(readTokens(text)).readAll() };
  } catch (error) {
    if (error instanceof SyntaxError) return { fault: error.message };
    throw error;
  }
}

/** Recursive descent; a fault is thrown as a SyntaxError and caught above. */
class ConditionReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  readAll(): Condition {
    const condition = this.#readOr();
    this.#expect("end", "the end, `and` or `or`");
    return condition;
  }

  #readOr(): Condition {
    return this.#readChain("or", () => this.#readChain("and", () => this.#readNot()));
  }

  #readChain(kind: "and" | "or", readPart: () => Condition): Condition {
    const first = readPart();
    const conditions = [first];
    while (this.#take(kind) !== undefined) conditions.push(readPart());
    return conditions.length === 1 ? first : { kind, conditions };
  }

  #readNot(): Condition {
    const token = this.#peek();
    if (token.kind !== "not" && token.kind !== "(") return this.#readComparison();
    this.#next += 1;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw faultAt(token, `nothing may stand deeper than ${MAX_DEPTH} levels`);
    const inner = token.kind === "not" ? this.#readNot() : this.#readOr();
    if (token.kind === "(") this.#expect(")", "`)`, `and` or `or`");
    this.#depth -= 1;
    return token.kind === "not" ? { kind: "not", condition: inner } : inner;
  }

  #readComparison(): Condition {
    const left = this.#readPlaced();
    const isNegated = this.#take("not") !== undefined;
    const token = this.#peek();
    const operator = OPERATORS.get(token.kind);
    if (operator === undefined || (isNegated && !NEGATABLE.has(token.kind))) {
      throw faultAt(token, isNegated ? "expected `in`, `startsWith` or `endsWith`" : EXPECTED_OPERATOR);
    }
    this.#next += 1;
    const comparison = makeComparison(left, operator, this.#readPlaced());
    return isNegated || token.kind === "!=" ? { kind: "not", condition: comparison } : comparison;
  }

  #readPlaced(): PlacedOperand {
    const at = this.#peek();
    return { operand: this.#readOperand(), at };
  }

  #readOperand(): Operand {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === "text") return { kind: "text", value: token.text };
    if (token.kind === "range") return { kind: "ranges", values: [token.text] };
    if (isValueType(token.kind)) return { kind: token.kind, value: token.text };
    if (token.kind === "[") return this.#readList(token);
    if (token.kind !== "event" && token.kind !== "subject") {
      throw faultAt(
        token,
        "expected `event.<name>`, `subject.<name>`, a string, number, time, true, false, a range or a list",
      );
    }
    return { kind: token.kind, name: this.#readName(token.kind) };
  }

  #readName(kind: "event" | "subject"): string {
    this.#expect(".", "`.` and a name");
    const token = this.#peek();
    this.#next += 1;
    const isGood = kind === "event" ? EVENT_NAME.test(token.text) : isName(token.text);
    if (isGood && token.kind !== "text") return token.text;
    const wanted = kind === "event" ? "1 to 64 lower-case letters and digits" : "1 to 64 of A-Z a-z 0-9 _ -";
    throw faultAt(token, `expected a name of ${wanted}`);
  }

  #readList(begin: Token): Operand {
    const tokens: Token[] = [];
    while (this.#take("]") === undefined) {
      if (tokens.length > 0) this.#expect(",", "`,` or `]`");
      const token = this.#peek();
      this.#next += 1;
      if (!isListed(token)) throw faultAt(token, "expected a string, a number, a time or a range of addresses");
      const [first = token] = tokens;
      if (first.kind !== token.kind) {
        throw faultAt(token, `a list holds values of one kind, and this one begins with a ${nounOf(first)}`);
      }
      tokens.push(token);
    }
    if (tokens.length > MAX_LIST_VALUES) throw faultAt(begin, `a list may have ${MAX_LIST_VALUES} values`);
    return listOf(tokens[0]?.kind ?? "text", [...new Set(tokens.map(({ text }) => text))]);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: 0 };
  }

  #take(kind: Token["kind"]): Token | undefined {
    const token = this.#peek();
    if (token.kind !== kind) return undefined;
    this.#next += 1;
    return token;
  }

  #expect(kind: Token["kind"], wanted: string): Token {
    const token = this.#take(kind);
    if (token === undefined) throw faultAt(this.#peek(), `expected ${wanted}`);
    return token;
  }
}

function isListed({ kind }: Token): boolean {
  return kind === "text" || kind === "range" || kind === "number" || kind === "time";
}

function nounOf({ kind }: Token): string {
  return kind === "text" ? "string" : kind;
}

function listOf(kind: Token["kind"], values: readonly string[]): Operand {
  if (kind === "range") return { kind: "ranges", values };
  if (isValueType(kind)) return { kind: "typedList", values: values.map((value) => ({ kind, value })) };
  return { kind: "list", values };
}
