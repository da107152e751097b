/** A word or sign of a condition. */
export interface Token {
  readonly kind:
    | "and"
    | "or"
    | "not"
    | "in"
    | "event"
    | "subject"
    | "name"
    | "text"
    | "=="
    | "!="
    | "("
    | ")"
    | "["
    | "]"
    | ","
    | "."
    | "end";
  /** The word as it is written, or the value of a string. */
  readonly text: string;
  /** Where it begins, from 0. */
  readonly at: number;
}

const WORDS: ReadonlySet<string> = new Set(["and", "or", "not", "in", "event", "subject"]);

/** Strings stand in either kind of quotes; a backslash keeps the quote or backslash behind it. */
const TOKEN =
  /(?<space>\s+)|(?<word>[A-Za-z0-9_-]+)|(?<sign>==|!=|[()[\],.])|'(?<single>(?:[^'\\\p{Cc}]|\\['"\\])*)'|"(?<double>(?:[^"\\\p{Cc}]|\\['"\\])*)"/uy;

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

function tokenOf({ word, sign, single, double }: Record<string, string | undefined>, at: number): Token {
  if (word !== undefined) return { kind: WORDS.has(word) ? (word as Token["kind"]) : "name", text: word, at };
  if (sign !== undefined) return { kind: sign as Token["kind"], text: sign, at };
  return { kind: "text", text: (single ?? double ?? "").replaceAll(/\\(.)/gu, "$1"), at };
}

function strayText(character: string): string {
  if (character === "'" || character === '"') return "the string has no end, or holds what a string may not";
  return `${JSON.stringify(character)} means nothing here`;
}
