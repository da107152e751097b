import { readRange } from "#shared/contract/address-range.ts";
import { orderedTypeOf, type ValueType } from "#shared/contract/typed-value.ts";

/** Words that mean something by themselves. */
const WORDS = ["and", "or", "not", "in", "event", "subject", "startsWith", "endsWith"] as const;

type Sign = "==" | "!=" | "<=" | ">=" | "<" | ">" | "(" | ")" | "[" | "]" | "," | ".";

/** A word or sign of a condition. */
export interface Token {
  readonly kind: (typeof WORDS)[number] | Sign | ValueType | "name" | "text" | "range" | "end";
  /** The word as it is written, or the value of a string. */
  readonly text: string;
  /** Where it begins, from 0. */
  readonly at: number;
}

/**
 * Strings stand in either kind of quotes; a backslash keeps the quote or backslash behind it. Numbers, times and ranges of
 * addresses begin with a digit, a minus or the colons of IPv6; behind a dot only names can stand.
 */
const TOKEN =
  /(?<space>\s+)|(?<bare>(?<!\.)(?:-?\d[\w.:/+-]*|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f.:/]*))|(?<word>[A-Za-z0-9_-]+)|(?<sign>==|!=|<=|>=|[<>()[\],.])|'(?<single>(?:[^'\\\p{Cc}]|\\['"\\])*)'|"(?<double>(?:[^"\\\p{Cc}]|\\['"\\])*)"/uy;

/**
 * Splits a condition into tokens, the last of which is the end.
 * @throws {SyntaxError} at a character that begins no token.
 */
export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const { groups } = pattern.exec(text) ?? {};
    if (groups === undefined) throw new SyntaxError(`at character ${at + 1}: ${strayText(text.slice(at, at + 1))}`);
    if (groups["space"] === undefined) tokens.push(tokenOf(groups, at));
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

function tokenOf({ bare, word, sign, single, double }: Record<string, string | undefined>, at: number): Token {
  if (bare !== undefined) return { kind: kindOf(bare, at), text: bare, at };
  if (word !== undefined) return { kind: wordKind(word), text: word, at };
  if (sign !== undefined) return { kind: sign as Token["kind"], text: sign, at };
  return { kind: "text", text: (single ?? double ?? "").replaceAll(/\\(.)/gu, "$1"), at };
}

function wordKind(word: string): Token["kind"] {
  if (word === "true" || word === "false") return "boolean";
  return (WORDS as readonly string[]).includes(word) ? (word as Token["kind"]) : "name";
}

/** What begins like a number is one, or a time, or a range of addresses. */
function kindOf(bare: string, at: number): Token["kind"] {
  const type = orderedTypeOf(bare);
  if (type !== undefined) return type;
  if (readRange(bare) !== undefined) return "range";
  throw new SyntaxError(`at character ${at + 1}: ${JSON.stringify(bare)} is ${bareText(bare)}`);
}

/** What somebody may have meant by a word that begins like a number. */
function bareText(bare: string): string {
  if (bare.includes("/")) {
    return "no range of addresses: write the first address and how many bits are fixed, such as 10.0.0.0/8 or 2001:db8::/32";
  }
  if (/^\d{4}-/.test(bare))
    return "no time: write it with its zone, such as 2026-01-31T18:00:00Z or 2026-01-31T18:00:00+01:00";
  return "no number such as 1000 or -0.5, no time and no range of addresses; a text stands in quotes";
}

function strayText(character: string): string {
  if (character === "'" || character === '"') return "the string has no end, or holds what a string may not";
  if (character === "=") return '"=" means nothing here; equality is ==';
  return `${JSON.stringify(character)} means nothing here`;
}
