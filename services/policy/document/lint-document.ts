import { patternCovers } from "#shared/protocol/topics.ts";
import type { DocumentWarning } from "./fault.ts";
import { inheritanceGroups } from "./inheritance.ts";
import { attributeWarnings } from "./lint-attributes.ts";
import { conditionWarnings } from "./lint-conditions.ts";
import { nameWarnings } from "./lint-names.ts";
import { permissionWarnings } from "./lint-permissions.ts";
import type { Binding, PolicyDocument } from "./policy-document.ts";
import { unreachableRoutes } from "./unreachable-routes.ts";
import { unreachableRules } from "./unreachable-rules.ts";

/**
 * What in a document can never matter, or hardly means what it says: rules, event patterns and routes that others cover,
 * bindings, roles and attributes of no use at `now` (in milliseconds since 1970), ranges of addresses in quotes, `*` for a name, permissions
 * that nobody asks for or nobody has, and near misses of names.
 */
export function lintDocument(document: PolicyDocument, now: number): DocumentWarning[] {
  return [
    ...unreachableRules(document),
    ...unusedRoles(document),
    ...danglingBindings(document, now),
    ...everybodyByMistake(document),
    ...attributeWarnings(document),
    ...conditionWarnings(document),
    ...unreachableEvents(document),
    ...permissionWarnings(document),
    ...nameWarnings(document),
    ...unreachableRoutes(document),
  ];
}

function unusedRoles({ roles, bindings }: PolicyDocument): DocumentWarning[] {
  const used = new Set([...bindings.map(({ role }) => role), ...[...roles.values()].flatMap((role) => role.inherits)]);
  return [...roles.keys()]
    .filter((name) => !used.has(name))
    .map((key) => ({ path: ["roles"], key, message: "nobody is bound to this role, and no role inherits it" }));
}

function danglingBindings({ roles, bindings }: PolicyDocument, now: number): DocumentWarning[] {
  const empty = emptyRoles(roles);
  return bindings.flatMap((binding, index) => danglingBinding(empty, binding, index, now));
}

function danglingBinding(
  empty: ReadonlySet<string>,
  { role, subjects, until }: Binding,
  index: number,
  now: number,
): DocumentWarning[] {
  const path = ["bindings", index];
  if (until !== undefined && until <= now) return [{ path: [...path, "until"], message: "this binding has ended" }];
  if (subjects.length === 0) return [{ path, message: "this binding has no subjects" }];
  if (!empty.has(role)) return [];
  return [{ path: [...path, "role"], message: `role "${role}" has no rules, and inherits none` }];
}

/** `*` is a name like any other. Whoever writes it means everybody, and binds nobody. */
function everybodyByMistake({ bindings }: PolicyDocument): DocumentWarning[] {
  return bindings.flatMap(({ subjects }, index) =>
    subjects.flatMap((subject, place) => {
      if (subject !== "*" && subject !== "group:*") return [];
      const message = `${subject} is the one of this name, and does not stand for everybody`;
      return [{ path: ["bindings", index, "subjects", place], message }];
    }),
  );
}

/** The roles that have no rules and inherit none. A role is looked at after what it inherits. */
function emptyRoles(roles: PolicyDocument["roles"]): Set<string> {
  const empty = new Set<string>();
  const parentsOf = new Map(Array.from(roles, ([name, { inherits }]) => [name, inherits]));
  for (const name of inheritanceGroups(parentsOf).flat()) {
    const { inherits = [], allow = [], deny = [] } = roles.get(name) ?? {};
    if (allow.length + deny.length === 0 && inherits.every((parent) => empty.has(parent))) empty.add(name);
  }
  return empty;
}

function unreachableEvents({ events }: PolicyDocument): DocumentWarning[] {
  // An event type has two tokens, so that among types `order.>` is no wider than `order.*`.
  const types = events.map(({ pattern }) => (pattern === ">" ? "*.*" : pattern.replace(/\.>$/, ".*")));
  return events.flatMap(({ pattern }, index) => {
    const earlier = types.slice(0, index).findIndex((wider) => patternCovers(wider, types[index] ?? ""));
    if (earlier === -1) return [];
    const message = `no event type gets here: ${events[earlier]?.pattern ?? ""} comes first`;
    return [{ path: ["events"], key: pattern, message }];
  });
}
