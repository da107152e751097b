import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { Fault } from "./fault.ts";

/** Enough to share lists between roles; far too few for a document that unfolds into gigabytes. */
const MAX_ALIAS_COUNT = 100;

/** A YAML text as plain values, and the way back from a value to its place in the text. */
export interface YamlText {
  /** The values; undefined where the text has faults of its own. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** The fault at the value under `path`; with `key`, at that key of it. */
  readonly faultAt: (path: readonly PropertyKey[], message: string, key?: string) => Fault;
}

/** Reads one YAML document (JSON is YAML) and refuses what is not plain data: tags, a second document, keys given twice. */
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
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => faultOn(pos[0], "", message));
  if (faults.length === 0) {
    faults.push(...refusedNodes(document).map(([node, message]) => faultOn(node.range?.[0], "", message)));
  }
  return {
    value: faults.length === 0 ? toPlain(document, faults) : undefined,
    faults,
    faultAt: (path, message, key) => {
      const full = key === undefined ? path : [...path, key];
      return faultOn(offsetOf(document, path, key), full.map(String).join("."), message);
    },
  };
}

/** Keys that hide another value, and values that would become something else than text, numbers, lists and mappings. */
function refusedNodes(document: Document): Array<[Node, string]> {
  const refused: Array<[Node, string]> = [];
  visit(document, {
    Node: (_, node) => {
      if (node.tag !== undefined) refused.push([node, `the tag ${node.tag} is not allowed`]);
    },
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) refused.push([key, `the key "${String(key.value)}" is given twice`]);
        if (key.value === "__proto__") refused.push([key, "this key is not allowed"]);
        seen.add(key.value);
      }
    },
  });
  return refused;
}

function toPlain(document: Document, faults: Fault[]): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
  } catch (error) {
    faults.push({ path: "", message: (error as Error).message });
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
