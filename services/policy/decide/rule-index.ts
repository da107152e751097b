import type { PolicyDocument } from "../document/policy-document.ts";
import type { Effect } from "./fold-condition.ts";
import { limitedRule, type LimitedRule } from "./limited-rule.ts";
import { createRoleSet, type RoleSet, union } from "./role-set.ts";

/** All rules about one permission, by the role that has them. */
export interface Row {
  /** Roles that allow, and roles that deny, it on any topic. */
  readonly allow: RoleSet;
  readonly deny: RoleSet;
  /** Rules that hold on some topics only, or on a condition. */
  readonly limited: readonly LimitedRule[];
}

/** Finds the rules about a permission. */
export type RuleIndex = (permission: string) => Row;

/** One for all rows without any: a decision that looks at it finds it in the cache. */
const NO_RULES: readonly LimitedRule[] = [];

interface PlacedRule {
  readonly pattern: string;
  /** In the document. */
  readonly place: number;
  readonly rule: LimitedRule;
}

/** The rules of one permission pattern; limited ones with their places in the document. */
interface PatternRules {
  readonly allow: RoleSet;
  readonly deny: RoleSet;
  readonly limited: readonly PlacedRule[];
}

/** Patterns that begin with the same tokens. `*` is a token like others, but for the one at the end. */
interface PatternNode {
  readonly next: Map<string, PatternNode>;
  /** Of the pattern that ends here, and of the one that ends here with a `*`, for one or more tokens. */
  exact: PatternRules | undefined;
  open: PatternRules | undefined;
}

/**
 * Indexes the rules of a document by the tokens of their permissions. With 2 048 roles and as many permissions, comparing
 * each with each took two seconds; a look-up follows 2 to 8 tokens, each by itself and by `*`.
 */
export function indexRules(document: PolicyDocument): RuleIndex {
  const size = document.roles.size;
  const root: PatternNode = { next: new Map(), exact: undefined, open: undefined };
  for (const [pattern, rules] of Map.groupBy(placedRules(document), (placed) => placed.pattern)) {
    insert(root, pattern.split(":"), rulesOfPattern(rules, size));
  }
  const none = createRoleSet(size);
  return (permission) => {
    const found: PatternRules[] = [];
    collect(root, permission.split(":"), 0, found);
    const limited = found.flatMap((rules) => rules.limited).toSorted((a, b) => a.place - b.place);
    return {
      allow: found.map(({ allow }) => allow).reduce(union, none),
      deny: found.map(({ deny }) => deny).reduce(union, none),
      limited: limited.length === 0 ? NO_RULES : limited.map(({ rule }) => rule),
    };
  };
}

function placedRules({ tenant, roles }: PolicyDocument): PlacedRule[] {
  const rules = [...roles.values()].flatMap(({ allow, deny }, role) => [
    ...allow.map((rule) => ({ pattern: rule.permission, rule: limitedRule(rule, role, "allow", tenant) })),
    ...deny.map((rule) => ({ pattern: rule.permission, rule: limitedRule(rule, role, "deny", tenant) })),
  ]);
  return rules.map((rule, place) => ({ ...rule, place }));
}

function rulesOfPattern(placed: readonly PlacedRule[], size: number): PatternRules {
  const everywhere = placed.filter(({ rule }) => !isLimited(rule));
  const rolesThat = (effect: Effect): RoleSet =>
    createRoleSet(
      size,
      everywhere.filter(({ rule }) => rule.effect === effect).map(({ rule }) => rule.role),
    );
  return {
    allow: rolesThat("allow"),
    deny: rolesThat("deny"),
    limited: placed.filter(({ rule }) => isLimited(rule)),
  };
}

function isLimited({ template, when }: LimitedRule): boolean {
  return template !== ">" || when !== undefined;
}

function insert(root: PatternNode, tokens: readonly string[], rules: PatternRules): void {
  const isOpen = tokens.at(-1) === "*";
  let node = root;
  for (const token of isOpen ? tokens.slice(0, -1) : tokens) {
    const next: PatternNode = node.next.get(token) ?? { next: new Map(), exact: undefined, open: undefined };
    node.next.set(token, next);
    node = next;
  }
  node[isOpen ? "open" : "exact"] = rules;
}

function collect(node: PatternNode, tokens: readonly string[], from: number, found: PatternRules[]): void {
  const token = tokens[from];
  if (token === undefined) {
    if (node.exact !== undefined) found.push(node.exact);
    return;
  }
  if (node.open !== undefined) found.push(node.open);
  for (const next of [node.next.get(token), node.next.get("*")]) {
    if (next !== undefined) collect(next, tokens, from + 1, found);
  }
}
