import { endOfToken } from "#shared/protocol/topics.ts";

/** The work that a step may still do: each node of a trie that it looks at takes one. Below zero it has done too much. */
export interface Effort {
  left: number;
}

/** For patterns that only a topic is looked for in: that takes at most two nodes for each way through its tokens. */
const WITHOUT_BOUND: Effort = { left: Number.POSITIVE_INFINITY };

interface Node<Value> {
  named: Map<string, Node<Value>> | undefined;
  /** Behind `*`. */
  any: Node<Value> | undefined;
  /** Values whose pattern ends here. */
  ends: Value[] | undefined;
  /** Values whose pattern goes on with `>` from here. */
  open: Value[] | undefined;
}

type Test<Value> = (value: Value) => boolean;

/**
 * Topic patterns, compiled: asking for those that cover a topic, or overlap with a pattern, walks its tokens, however many
 * patterns there are. Values of equal patterns are tested in the order in which they were given.
 */
export class PatternTrie<Value> {
  readonly #root: Node<Value> = createNode();

  constructor(entries: Iterable<readonly [pattern: string, value: Value]>) {
    for (const [pattern, value] of entries) add(this.#root, pattern, value);
  }

  /** Whether `test` holds for a value whose pattern matches every topic that `pattern` does; a topic is a pattern too. */
  someCovering(pattern: string, test: Test<Value>): boolean {
    return covers(this.#root, pattern, 0, test);
  }

  /**
   * Whether `test` holds for a value whose pattern some topic matches that `pattern` matches too; true as well where `effort`
   * was used up before that was certain.
   */
  someOverlapping(pattern: string, test: Test<Value>, effort: Effort = WITHOUT_BOUND): boolean {
    return overlaps(this.#root, pattern, 0, test, effort);
  }
}

function createNode<Value>(): Node<Value> {
  return { named: undefined, any: undefined, ends: undefined, open: undefined };
}

function add<Value>(root: Node<Value>, pattern: string, value: Value): void {
  let node = root;
  for (const token of pattern.split(".")) {
    if (token === ">") {
      (node.open ??= []).push(value);
      return;
    }
    node = token === "*" ? (node.any ??= createNode()) : childOf(node, token);
  }
  (node.ends ??= []).push(value);
}

function childOf<Value>(node: Node<Value>, token: string): Node<Value> {
  node.named ??= new Map();
  const known = node.named.get(token);
  if (known !== undefined) return known;
  const child = createNode<Value>();
  node.named.set(token, child);
  return child;
}

/** Reads the text from `from` on as it is: to split it first takes as long again. */
function covers<Value>(node: Node<Value>, text: string, from: number, test: Test<Value>): boolean {
  if (from > text.length) return node.ends?.some(test) ?? false;
  if (node.open?.some(test)) return true;
  if (node.named === undefined && node.any === undefined) return false;
  const end = endOfToken(text, from);
  const token = text.slice(from, end);
  if (token === ">") return false;
  const named = token === "*" ? undefined : node.named?.get(token);
  if (named !== undefined && covers(named, text, end + 1, test)) return true;
  return node.any !== undefined && covers(node.any, text, end + 1, test);
}

function overlaps<Value>(node: Node<Value>, text: string, from: number, test: Test<Value>, effort: Effort): boolean {
  effort.left -= 1;
  if (effort.left < 0) return true;
  if (from > text.length) return node.ends?.some(test) ?? false;
  if (node.open?.some(test)) return true;
  const end = endOfToken(text, from);
  const token = text.slice(from, end);
  if (token === ">") return someBelow(node, test, effort);
  for (const child of childrenFor(node, token)) if (overlaps(child, text, end + 1, test, effort)) return true;
  return false;
}

function someBelow<Value>(node: Node<Value>, test: Test<Value>, effort: Effort): boolean {
  for (const child of childrenFor(node, "*")) {
    effort.left -= 1;
    if (effort.left < 0 || child.ends?.some(test) || child.open?.some(test)) return true;
    if (someBelow(child, test, effort)) return true;
  }
  return false;
}

function* childrenFor<Value>({ named, any }: Node<Value>, token: string): Iterable<Node<Value>> {
  if (any !== undefined) yield any;
  if (named === undefined) return;
  if (token === "*") yield* named.values();
  else {
    const child = named.get(token);
    if (child !== undefined) yield child;
  }
}
