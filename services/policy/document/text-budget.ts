import { Lexer } from "yaml";
import type { Fault } from "./fault.ts";

/** The most values, keys, lists and aliases a text may have. One takes 6 µs to read: a budget of bytes alone let 200 000 through. */
const MAX_NODES = 150_000;

/** Each alias finds its anchor by a walk through all of them: 20 000 took 10 s. */
const MAX_ALIASES = 1_000;

/** How deep they may be nested; a document needs 7 levels. */
const MAX_DEPTH = 32;

/** What the lexer puts before the text of a plain scalar. */
const PLAIN_SCALAR = "\u001F";

/** The first characters of what stands for a node in a text. */
const NODE_STARTS: ReadonlySet<string> = new Set([PLAIN_SCALAR, '"', "'", "[", "{", "*", "|", ">"]);

/** What the lexer says of a line's begin, and what only goes on with the line before. */
const NOTHING: ReadonlySet<string> = new Set(["", "#", "\u{FEFF}", "\u0002", "\u0018"]);

/**
 * What of a text is more than may be read, found by its tokens alone, at a tenth of what reading it costs; undefined where all
 * of it is within the budget.
 */
export function overBudget(text: string, maxNodes = MAX_NODES): Fault | undefined {
  let nodes = 0;
  let aliases = 0;
  const depth = new DepthCounter();
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    // The text of a scalar may look like any token.
    if (isScalar) {
      isScalar = false;
      continue;
    }
    isScalar = token === PLAIN_SCALAR;
    if (NODE_STARTS.has(token.slice(0, 1))) nodes += 1;
    if (token.startsWith("*")) aliases += 1;
    if (nodes > maxNodes) {
      const message = `the document may have ${maxNodes} keys and values in all; name several subjects in one binding, bind groups, or set roles over HTTP`;
      return { path: "", message };
    }
    if (aliases > MAX_ALIASES) return { path: "", message: `there may be ${MAX_ALIASES} aliases; write the rest out` };
    if (depth.take(token) > MAX_DEPTH)
      return { path: "", message: `the document may be nested ${MAX_DEPTH} levels deep` };
  }
  return undefined;
}

/** How deep a text is nested: by its indentation, by `- ` in one line, and by brackets. */
class DepthCounter {
  /** The indentations around the line. */
  readonly #indents: number[] = [];
  #brackets = 0;
  /** The indentation of the line, as long as nothing else has come of it. */
  #indent: number | undefined = 0;
  #dashes = 0;

  /** Takes a token, and answers how deep it stands. */
  take(token: string): number {
    const first = token.slice(0, 1);
    if (token.endsWith("\n")) this.#beginLine();
    else if (first === " " || first === "\t") this.#indent = this.#indent === undefined ? undefined : token.length;
    else if (!NOTHING.has(first)) this.#takeText(first);
    return Math.max(0, this.#indents.length - 1) + this.#dashes + this.#brackets;
  }

  #beginLine(): void {
    this.#indent = 0;
    this.#dashes = 0;
  }

  #takeText(first: string): void {
    if (this.#indent !== undefined && this.#brackets === 0) {
      while ((this.#indents.at(-1) ?? -1) >= this.#indent) this.#indents.pop();
      this.#indents.push(this.#indent);
    }
    this.#indent = undefined;
    if (first === "-" || first === "?") this.#dashes += 1;
    if (first === "[" || first === "{") this.#brackets += 1;
    if (first === "]" || first === "}") this.#brackets = Math.max(0, this.#brackets - 1);
  }
}
