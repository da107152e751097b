import { random } from "./random.ts";

/** Separators of topics, keys, grants, lists and paths, encoded bytes, letters that look alike, and what we give a meaning to. */
const PIECES = [
  [".", ",", "@", "/", ":", ";", "|", "~", "-", "_", " ", "*", ">", "?", "#", "+", "=", "&", "'", '"', "\\", "`"],
  ["{", "}", "[", "]", "(", ")", "<", "$", "%", "%2E", "%2e", "%25", "%", "%41", "%C3%A9", "&amp;", "\\u0041"],
  ["a", "A", "\u0430", "\uFF41", "e", "\u00E9", "e\u0301", "\u0435", "K", "\u212A", "i", "\u0131", "\u0130", "I"],
  ["\u00DF", "ss", "\uFB01", "fi", "\u00A0", "\u2024", "\u200D", "\u202E", "\u{1F600}", "\u{10FFFD}", "\uFFFD"],
  ["group:", "subject:", "role:", "alice", "0", "1", "null", "__proto__"],
].flat();

/** Two free names, or two lists of them. */
export type Pair<Part> = readonly [Part, Part];

/** A pair of free names of which the second often differs from the first in one place, and sometimes in none. */
export function randomPair(): Pair<string> {
  const name = randomName();
  return [name, pick(CHANGES)(name)];
}

/** Two lists that a careless key would join to one text. */
export function randomLists(): Pair<readonly string[]> {
  const names = Array.from({ length: 1 + below(3) }, randomName);
  const separator = pick([",", ".", "@", " ", ":", "", "|", "~", '","']);
  const text = names.join(separator);
  const cut = below(text.length + 1);
  const parts = [text.slice(0, cut), text.slice(cut + separator.length)].filter((part) => part !== "");
  return [names, pick([[...names], names.toReversed(), parts, [text], names.slice(1), [...names, ...names]])];
}

function randomName(): string {
  return Array.from({ length: 1 + below(5) }, () => pick(PIECES))
    .join("")
    .normalize("NFC");
}

const CHANGES: readonly ((name: string) => string)[] = [
  (name) => name,
  randomName,
  (name) => name.toLowerCase().normalize("NFC"),
  (name) => name.toUpperCase().normalize("NFC"),
  (name) => name.normalize("NFKC"),
  (name) => `${name}${pick(PIECES)}`.normalize("NFC"),
  (name) => `${pick(PIECES)}${name}`.normalize("NFC"),
  (name) => encodeURIComponent(name),
  (name) => name.replace(/[^A-Za-z0-9_-]/u, (character) => encodeURIComponent(character)),
  (name) => name.replace("%25", "%"),
  (name) => name.replace(/%[0-9A-F]{2}/, (byte) => byte.toLowerCase()),
  (name) => name.replace("a", pick(["\u0430", "\uFF41", "A", "%61"])),
  (name) => name.replace(/[.,@/:]/u, pick([".", ",", "@", "/", ":"])),
  (name) =>
    Buffer.from(name)
      .toString("latin1")
      .replaceAll(/\p{Cc}/gu, "?")
      .normalize("NFC"),
];

function pick<Choice>(choices: readonly [Choice, ...Choice[]] | readonly Choice[]): Choice {
  return choices[below(choices.length)] as Choice;
}

function below(limit: number): number {
  return Math.floor(random() * limit);
}
