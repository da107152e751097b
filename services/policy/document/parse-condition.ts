import { isName } from "#shared/protocol/names.ts";
import { type Condition, type ListOperand, type Operand, type SingleOperand, SUBJECT_ID } from "./condition.ts";
import { readTokens, type Token } from "./condition-tokens.ts";

/** The longest text of a condition, in characters. */
const MAX_CHARACTERS = 1_024;

/** How deep parentheses and `not` may be nested. */
const MAX_DEPTH = 16;

const MAX_LIST_VALUES = 64;

/** CloudEvents attributes have names of lower-case letters and digits (CloudEvents 1.0, section 3.1). */
const EVENT_NAME = /^[a-z0-9]{1,64}$/;

/** A condition, or what is wrong with its text and at which character (from 1). */
export type ParsedCondition =
  | { readonly condition: Condition; readonly fault?: never }
  | { readonly condition?: never; readonly fault: string };

/**
 * Reads a condition. `not` binds closer than `and`, `and` closer than `or`; comparisons are `==`, `!=`, `in` and `not in`,
 * between `event.<name>`, `subject.<name>`, strings and lists of strings.
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
    const begin = this.#peek();
    const left = this.#readOperand();
    const operator = this.#peek();
    const isNegated = operator.kind === "not" || operator.kind === "!=";
    const isEqual = this.#take("==") ?? this.#take("!=");
    if (isEqual === undefined) {
      this.#take("not");
      this.#expect("in", "`==`, `!=`, `in` or `not in`");
    }
    const end = this.#peek();
    const right = this.#readOperand();
    if (![left, right].some(({ kind }) => kind === "event" || kind === "subject")) {
      throw faultAt(begin, "one side must be `event.<name>` or `subject.<name>`");
    }
    const single = asSingle(left, begin);
    const comparison: Condition =
      isEqual === undefined
        ? { kind: "in", left: single, right: asList(right, end) }
        : { kind: "equal", left: single, right: asSingle(right, end) };
    return isNegated ? { kind: "not", condition: comparison } : comparison;
  }

  #readOperand(): Operand {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === "text") return { kind: "text", value: token.text };
    if (token.kind === "[") return this.#readList(token);
    if (token.kind !== "event" && token.kind !== "subject") {
      throw faultAt(token, "expected `event.<name>`, `subject.<name>`, a string or a list");
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

  #readList(begin: Token): ListOperand {
    const values: string[] = [];
    while (this.#take("]") === undefined) {
      if (values.length > 0) this.#expect(",", "`,` or `]`");
      values.push(this.#expect("text", "a string").text);
    }
    if (values.length > MAX_LIST_VALUES) throw faultAt(begin, `a list may have ${MAX_LIST_VALUES} strings`);
    return { kind: "list", values: [...new Set(values)] };
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

function asSingle(operand: Operand, at: Token): SingleOperand {
  if (operand.kind !== "list") return operand;
  throw faultAt(at, "a list may stand behind `in` only");
}

function asList(operand: Operand, at: Token): ListOperand {
  if (operand.kind === "list") return operand;
  if (operand.kind === "subject" && operand.name !== SUBJECT_ID) return { kind: "subject", name: operand.name };
  throw faultAt(at, "behind `in` stands a list or a `subject.<name>` that is one");
}

function faultAt({ at }: Token, message: string): SyntaxError {
  return new SyntaxError(`at character ${at + 1}: ${message}`);
}
