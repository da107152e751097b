import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import type { Fault } from "./fault.ts";

/** Enough to share a list between roles; far too few for a document that unfolds into gigabytes. */
const MAX_ALIAS_COUNT = 100;

const BYTE_ORDER_MARK = "\u{FEFF}";

/** A YAML text as plain values, and the way back from a value to its place in the text. */
export interface YamlText {
  /** The values; undefined where the text has faults of its own. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** The fault at the value under `path`; with `key`, at that key of it. */
  readonly faultAt: (path: readonly PropertyKey[], message: string, key?: string) => Fault;
}

/** Reads one YAML document (JSON is YAML) and refuses what is not plain data: tags, a second document, merge keys, keys given twice. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  // The parser finds keys given twice by comparing each with each; `refusedNodes` needs one set for a mapping.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
  });
  const faultOn = (offset: number | undefined, path: string, message: string): Fault => {
    if (offset === undefined) return { path, message };
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path, message };
  };
  const faults = [...document.errors, ...document.warnings].map(({ code, pos, message }) =>
    faultOn(pos[0], "", SYNTAX_TEXTS[code] ?? message),
  );
  if (faults.length === 0) {
    faults.push(...refusedNodes(document, lines).map(([node, message]) => faultOn(node.range?.[0], "", message)));
  }
  const mark = text.indexOf(BYTE_ORDER_MARK, 1);
  if (mark !== -1) faults.push(faultOn(mark, "", "an invisible byte order mark (U+FEFF) stands here; delete it"));
  return {
    value: faults.length === 0 ? toPlain(document, faults) : undefined,
    faults,
    faultAt: (path, message, key) => {
      const full = key === undefined ? path : [...path, key];
      return faultOn(offsetOf(document, path, key), full.map(String).join("."), message);
    },
  };
}

/** Faults of which the parser's words do not say what to do. */
const SYNTAX_TEXTS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "these are multiple documents, and the second begins here: put it into a file of its own",
  TAB_AS_INDENT: "a tab stands here; indent with spaces",
  BLOCK_AS_IMPLICIT_KEY: "a mapping cannot begin here; a text with a colon and a space in it stands in quotes",
  NON_STRING_KEY: "keys must be strings, not lists or mappings",
};

/** Keys that hide another value, and values that would become something else than what stands there. */
function refusedNodes(document: Document, lines: LineCounter): Array<[Node, string]> {
  const refused: Array<[Node, string]> = [];
  const anchors = new Set<string>();
  visit(document, {
    Node: (key, node, path) => {
      if (node.tag !== undefined) refused.push([node, `the tag ${node.tag} is not allowed`]);
      if (isAlias(node)) {
        refused.push(...refusedAlias(node, anchors, path));
        return undefined;
      }
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isScalar(node) && key !== "key") refused.push(...refusedNumber(node));
      if (isMap(node)) refused.push(...refusedKeys(node, lines));
      return undefined;
    },
  });
  return refused;
}

/** `*:*` without quotes is the way most people come here. */
function refusedAlias(alias: Alias, anchors: ReadonlySet<string>, path: readonly unknown[]): Array<[Node, string]> {
  const name = alias.source;
  if (!anchors.has(name)) {
    return [
      [alias, `there is no anchor &${name} before this alias; a text that begins with * stands in quotes: "*${name}"`],
    ];
  }
  const isInside = path.some((parent) => isCollection(parent) && parent.anchor === name);
  return isInside ? [[alias, "this alias stands inside what it repeats"]] : [];
}

/** A number that YAML writes in another way than it stands there: a text is meant, or digits get lost. */
function refusedNumber(scalar: Scalar): Array<[Node, string]> {
  const { value, source } = scalar;
  if (typeof value !== "number" || source === String(value)) return [];
  const read = `${source} is read as the number ${value}`;
  return [[scalar, `${read}: write it so, or in quotes where it is a text: "${source}"`]];
}

function refusedKeys({ items }: YAMLMap, lines: LineCounter): Array<[Node, string]> {
  const seen = new Map<unknown, Node>();
  return items.flatMap(({ key }): Array<[Node, string]> => {
    if (!isScalar(key)) return [];
    const first = seen.get(key.value);
    seen.set(key.value, first ?? key);
    if (key.value === "__proto__") return [[key, "this key is not allowed"]];
    if (key.value === "<<") return [[key, "merge keys (<<) are not read: inherit a role, or write the keys out"]];
    if (first === undefined) return [];
    const line = lines.linePos(first.range?.[0] ?? 0).line;
    return [[key, `the key "${String(key.value)}" is given twice; it stands in line ${line} already`]];
  });
}

function toPlain(document: Document, faults: Fault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
  } catch (error) {
    // The one fault that the checks above leave: what aliases unfold to.
    const message = `the alias count is too high: an anchor may be repeated ${MAX_ALIAS_COUNT} times in all; write the rest out`;
    faults.push({ path: "", message: error instanceof ReferenceError ? message : String(error) });
    return undefined;
  }
}

/** Where the value under `path` begins, or its key `key`; for a value that is not there, where its parent begins. */
function offsetOf(document: Document, path: readonly PropertyKey[], key: string | undefined): number | undefined {
  let node: unknown = document.contents;
  for (const step of path) {
    const parent = withoutAlias(document, node);
    const child: unknown = isCollection(parent) ? parent.get(step, true) : undefined;
    if (!isNode(child)) return isNode(parent) ? parent.range?.[0] : undefined;
    node = child;
  }
  const place = key === undefined ? node : (keyOf(withoutAlias(document, node), key) ?? node);
  return isNode(place) ? place.range?.[0] : undefined;
}

function withoutAlias(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyOf(node: unknown, key: string): unknown {
  if (!isMap(node)) return undefined;
  return node.items.map((pair) => pair.key).find((each) => isScalar(each) && String(each.value) === key);
}
