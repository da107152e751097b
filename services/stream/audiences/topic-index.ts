/** Producers make up topics; the cache starts over when they are too many. */
const MAX_CACHED_TOPICS = 1_024;

/** A table that grows is copied in one step: with so many small ones that takes 0.1 ms where one would take 100. */
const TABLES = 256;

/** Several values with one pattern. Most patterns have one value, and a set for each would be 200 bytes. */
class Several<Value> {
  readonly values = new Set<Value>();
}

/** Where a pattern has its wildcards: patterns of one shape differ in their other tokens alone. */
interface Shape {
  readonly tokens: number;
  /** A bit for each token that is `*`. */
  readonly wild: number;
  /** Whether `>` stands behind these tokens. */
  readonly isOpen: boolean;
  patterns: number;
}

/**
 * Finds the values whose patterns match a topic, each once. Patterns stand in a table by their text: what a topic can be matched
 * by is its own text with wildcards in the places of each shape that is there, at most 511 texts for 8 tokens. So a pattern
 * costs 50 bytes beside its text. As a trie, a hundred patterns of 8 tokens took 100 to 500 KiB. Topics that come again are
 * answered from a cache that a change empties.
 */
export class TopicIndex<Value> {
  readonly #seed: number;
  readonly #tables: (Map<string, Value | Several<Value>> | undefined)[] = Array.from({ length: TABLES });
  readonly #shapes = new Map<string, Shape>();
  readonly #cache = new Map<string, readonly Value[]>();

  /** `random` keeps clients from choosing topics that fall into one table. */
  constructor(random: () => number = Math.random) {
    this.#seed = Math.trunc(random() * 2 ** 31);
  }

  add(patterns: readonly string[], value: Value): void {
    for (const pattern of patterns) this.#add(pattern, value);
    this.#cache.clear();
  }

  remove(patterns: readonly string[], value: Value): void {
    for (const pattern of patterns) this.#remove(pattern, value);
    this.#cache.clear();
  }

  match(topic: string): readonly Value[] {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const tokens = topic.split(".");
    const found = new Set<Value>();
    for (const shape of this.#shapes.values()) {
      const isFit = shape.isOpen ? shape.tokens < tokens.length : shape.tokens === tokens.length;
      const entry = isFit ? this.#entryOf(textOf(tokens, shape)) : undefined;
      if (entry instanceof Several) for (const value of entry.values) found.add(value);
      else if (entry !== undefined) found.add(entry);
    }
    const values = [...found];
    if (this.#cache.size >= MAX_CACHED_TOPICS) this.#cache.clear();
    this.#cache.set(topic, values);
    return values;
  }

  #add(pattern: string, value: Value): void {
    const table = this.#tableOf(pattern);
    const entry = table.get(pattern);
    if (entry === value || (entry instanceof Several && entry.values.has(value))) return;
    this.#count(pattern, 1);
    if (entry instanceof Several) entry.values.add(value);
    else if (entry === undefined) table.set(pattern, value);
    else {
      const several = new Several<Value>();
      several.values.add(entry).add(value);
      table.set(pattern, several);
    }
  }

  #remove(pattern: string, value: Value): void {
    const table = this.#tableOf(pattern);
    const entry = table.get(pattern);
    const isThere = entry instanceof Several ? entry.values.delete(value) : entry === value;
    if (!isThere) return;
    this.#count(pattern, -1);
    if (!(entry instanceof Several) || entry.values.size === 0) table.delete(pattern);
  }

  #count(pattern: string, change: 1 | -1): void {
    const { key, ...shape } = shapeOf(pattern);
    const known = this.#shapes.get(key) ?? { ...shape, patterns: 0 };
    known.patterns += change;
    if (known.patterns > 0) this.#shapes.set(key, known);
    else this.#shapes.delete(key);
  }

  #entryOf(pattern: string): Value | Several<Value> | undefined {
    return this.#tableOf(pattern).get(pattern);
  }

  #tableOf(pattern: string): Map<string, Value | Several<Value>> {
    let hash = this.#seed;
    for (let index = 0; index < pattern.length; index += 1)
      hash = Math.imul(hash ^ pattern.charCodeAt(index), 16_777_619);
    const table = (hash >>> 16) % TABLES;
    return (this.#tables[table] ??= new Map());
  }
}

function shapeOf(pattern: string): Omit<Shape, "patterns"> & { readonly key: string } {
  const tokens = pattern.split(".");
  const isOpen = tokens.at(-1) === ">";
  if (isOpen) tokens.pop();
  const wild = tokens.reduce((bits, token, index) => (token === "*" ? bits | (1 << index) : bits), 0);
  return { key: `${tokens.length} ${wild} ${isOpen}`, tokens: tokens.length, wild, isOpen };
}

/** The pattern of a shape that matches the topic of these tokens. */
function textOf(topic: readonly string[], { tokens, wild, isOpen }: Shape): string {
  const own = topic.slice(0, tokens).map((token, index) => ((wild >> index) & 1 ? "*" : token));
  return (isOpen ? [...own, ">"] : own).join(".");
}
