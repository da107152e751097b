/**
 * Finds values in a JSON text as they stand there. Written anew, large numbers would lose digits, and a text that is nested too
 * deep could not be written at all. Each function expects JSON that JSON.parse has taken, and walks it once.
 */

const WHITESPACE = /[ \t\r\n]/;

/** The texts of an object's values by name; of two with one name the last, as JSON.parse has it. */
export function rawMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] === '"') {
    const nameEnd = endOfString(text, at);
    const begin = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = endOfValue(text, begin);
    members.set(JSON.parse(text.slice(at, nameEnd)) as string, text.slice(begin, end));
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return members;
}

/** The texts of an array's values. */
export function rawItems(text: string): string[] {
  const items: string[] = [];
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && text[at] !== "]") {
    const end = endOfValue(text, at);
    items.push(text.slice(at, end));
    at = skipSpace(text, skipSpace(text, end) + 1);
  }
  return items;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && WHITESPACE.test(text[at] ?? "")) at += 1;
  return at;
}

/** Where the string that begins at a quote ends, behind its last quote. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

function endOfValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return endOfString(text, from);
  if (first !== "{" && first !== "[") return endOfScalar(text, from);
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function endOfScalar(text: string, from: number): number {
  let at = from;
  while (at < text.length && !/[,\]} \t\r\n]/.test(text[at] ?? "")) at += 1;
  return at;
}
