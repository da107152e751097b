import type { PolicyDocument } from "../document/policy-document.ts";
import { limitedRule, type LimitedRule } from "./limited-rule.ts";

/** A rule, and where it stands among all rules of the document. */
interface PlacedRule {
  readonly place: number;
  readonly rule: LimitedRule;
}

/** The rules whose permissions begin with the same tokens. */
interface Node {
  readonly children: Map<string, Node>;
  /** Rules whose permission ends here. */
  readonly ends: PlacedRule[];
  /** Rules whose permission has a last `*` here, for one or more tokens. */
  readonly opens: PlacedRule[];
}

/**
 * Finds all rules about a permission, in the document's order. With 4 096 rules and as many permissions, comparing each with
 * each took seconds.
 */
export function compileRuleIndex({ tenant, roles }: PolicyDocument): (permission: string) => LimitedRule[] {
  const root = createNode();
  let place = 0;
  for (const [role, rules] of [...roles.values()].entries()) {
    for (const effect of ["allow", "deny"] as const) {
      for (const rule of rules[effect]) {
        add(root, rule.permission.split(":"), { place, rule: limitedRule(rule, role, effect, tenant) });
        place += 1;
      }
    }
  }
  return (permission) => {
    const found: PlacedRule[] = [];
    collect(root, permission.split(":"), 0, found);
    return found.toSorted((a, b) => a.place - b.place).map(({ rule }) => rule);
  };
}

function createNode(): Node {
  return { children: new Map(), ends: [], opens: [] };
}

function add(root: Node, tokens: readonly string[], placed: PlacedRule): void {
  const isOpen = tokens.at(-1) === "*";
  let node = root;
  for (const token of isOpen ? tokens.slice(0, -1) : tokens) {
    const child = node.children.get(token) ?? createNode();
    node.children.set(token, child);
    node = child;
  }
  (isOpen ? node.opens : node.ends).push(placed);
}

function collect(node: Node, tokens: readonly string[], depth: number, found: PlacedRule[]): void {
  const token = tokens[depth];
  for (const placed of token === undefined ? node.ends : node.opens) found.push(placed);
  if (token === undefined) return;
  for (const name of [token, "*"]) {
    const child = node.children.get(name);
    if (child !== undefined) collect(child, tokens, depth + 1, found);
  }
}
