/** Producers make up topics; the cache starts over when they are too many. */
const MAX_CACHED_TOPICS = 10_000;

interface Node<Value> {
  readonly children: Map<string, Node<Value>>;
  /** Values whose pattern ends here. */
  readonly values: Set<Value>;
  /** Values whose pattern goes on with `>` from here. */
  readonly open: Set<Value>;
}

/**
 * Finds the values whose patterns match a topic, each once. A trie, so that the cost of a topic depends on what matches it
 * and not on how many patterns there are; topics that come again are answered from a cache that a change empties.
 */
export class TopicIndex<Value> {
  readonly #root = createNode<Value>();
  readonly #cache = new Map<string, readonly Value[]>();

  add(patterns: readonly string[], value: Value): void {
    for (const pattern of patterns) this.#slot(pattern).add(value);
    this.#cache.clear();
  }

  remove(patterns: readonly string[], value: Value): void {
    for (const pattern of patterns) prune(this.#root, pattern.split("."), 0, value);
    this.#cache.clear();
  }

  match(topic: string): readonly Value[] {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const found = new Set<Value>();
    collect(this.#root, topic.split("."), 0, found);
    const values = [...found];
    if (this.#cache.size >= MAX_CACHED_TOPICS) this.#cache.clear();
    this.#cache.set(topic, values);
    return values;
  }

  #slot(pattern: string): Set<Value> {
    let node = this.#root;
    for (const token of pattern.split(".")) {
      if (token === ">") return node.open;
      const next = node.children.get(token) ?? createNode<Value>();
      node.children.set(token, next);
      node = next;
    }
    return node.values;
  }
}

function createNode<Value>(): Node<Value> {
  return { children: new Map(), values: new Set(), open: new Set() };
}

function collect<Value>(node: Node<Value>, tokens: readonly string[], depth: number, found: Set<Value>): void {
  const token = tokens[depth];
  if (token === undefined) {
    for (const value of node.values) found.add(value);
    return;
  }
  for (const value of node.open) found.add(value);
  const named = node.children.get(token);
  if (named !== undefined) collect(named, tokens, depth + 1, found);
  const any = node.children.get("*");
  if (any !== undefined) collect(any, tokens, depth + 1, found);
}

/** Takes the value out and drops the branches that hold nothing any more; answers whether the node itself is empty. */
function prune<Value>(node: Node<Value>, tokens: readonly string[], depth: number, value: Value): boolean {
  const token = tokens[depth];
  if (token === undefined) node.values.delete(value);
  else if (token === ">") node.open.delete(value);
  else {
    const child = node.children.get(token);
    if (child !== undefined && prune(child, tokens, depth + 1, value)) node.children.delete(token);
  }
  return node.values.size === 0 && node.open.size === 0 && node.children.size === 0;
}
