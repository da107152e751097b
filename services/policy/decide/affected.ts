import { ruleText } from "../document/policy-document.ts";
import { createRoleSet, isSameSet, type RoleSet, union } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";
import { changedSubjects } from "./subject-roles.ts";

/** A longer list of names costs more to carry than asking for everything again. */
const MAX_NAMES = 1_000;

/** The principals that a change of policy can affect. */
export type Affected = { readonly all: true } | { readonly roles: string[]; readonly subjects: string[] };

/** Everyone. */
export const EVERYONE: Affected = { all: true };

/**
 * The principals that the step from one version to the next can affect. Everyone, if the event map, the routes or the
 * trusted issuers differ, or a role is new: a token may have carried its name all along, and no grant says so.
 */
export function affectedBy(before: Snapshot | undefined, after: Snapshot): Affected {
  if (before === undefined) return EVERYONE;
  const isSameDocument = before.document === after.document;
  if (!isSameDocument && mapsOf(before) !== mapsOf(after)) return EVERYONE;
  if (!isSameDocument && [...after.roleBits.keys()].some((role) => !before.roleBits.has(role))) return EVERYONE;
  const roles = isSameDocument ? [] : changedRoles(before, after);
  const bound = boundOtherwise(before, after);
  const known = isSameDocument ? [] : changedKeys(attributesOf(before), attributesOf(after));
  const subjects = [...new Set([...bound, ...known])].toSorted();
  return roles.length + subjects.length > MAX_NAMES ? EVERYONE : { roles, subjects };
}

function mapsOf({ document }: Snapshot): string {
  return JSON.stringify([document.events, document.routes, document.trust]);
}

/** Roles whose own and inherited rules are not the same any more, wherever they stand. */
function changedRoles(before: Snapshot, after: Snapshot): string[] {
  const texts = new Map<string, number>();
  const [was, is] = [ruleNumbers(before, texts), ruleNumbers(after, texts)];
  const [had, have] = [allRules(before, was, texts.size), allRules(after, is, texts.size)];
  const gone = [...before.roleBits.keys()].filter((role) => !after.roleBits.has(role));
  const empty = createRoleSet(texts.size);
  const changed = [...after.roleBits.keys()].filter(
    (role) => !isSameSet(had.get(role) ?? empty, have.get(role) ?? empty),
  );
  return [...gone.filter((role) => !isSameSet(had.get(role) ?? empty, empty)), ...changed].toSorted();
}

/** The numbers of each role's own rules; rules with one text have one number. */
function ruleNumbers({ document }: Snapshot, texts: Map<string, number>): Map<string, number[]> {
  const numberOf = (text: string): number => {
    const number = texts.get(text) ?? texts.size;
    texts.set(text, number);
    return number;
  };
  return new Map(
    Array.from(document.roles, ([name, { allow, deny }]) => [
      name,
      [...allow.map((rule) => numberOf(`+${ruleText(rule)}`)), ...deny.map((rule) => numberOf(`-${ruleText(rule)}`))],
    ]),
  );
}

/** For each role the set of its own rules and of all it inherits, by their numbers. */
function allRules(
  { document: { roles } }: Snapshot,
  own: ReadonlyMap<string, readonly number[]>,
  size: number,
): Map<string, RoleSet> {
  const found = new Map<string, RoleSet>();
  const rulesOf = (name: string): RoleSet => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const set = (roles.get(name)?.inherits ?? []).map(rulesOf).reduce(union, createRoleSet(size, own.get(name)));
    found.set(name, set);
    return set;
  };
  for (const name of roles.keys()) rulesOf(name);
  return found;
}

/** Whose roles differ. What is bound over HTTP replaces the document's word, so of those only that is looked at. */
function boundOtherwise(before: Snapshot, after: Snapshot): string[] {
  const inDocument =
    before.documentBindings === after.documentBindings
      ? []
      : [...new Set([...before.documentBindings.keys(), ...after.documentBindings.keys()])];
  const names = new Set([...inDocument, ...changedSubjects(before.httpBindings, after.httpBindings)]);
  return [...names].filter((name) => boundText(before, name) !== boundText(after, name));
}

function boundText({ documentBindings, httpBindings }: Snapshot, name: string): string {
  const roles =
    httpBindings.get(name) ?? documentBindings.get(name)?.map(({ role, until }) => JSON.stringify([role, until]));
  return JSON.stringify(roles?.toSorted() ?? []);
}

function attributesOf({ document }: Snapshot): Map<string, string> {
  return new Map(
    Array.from(document.attributes, ([subject, attributes]) => [
      subject,
      JSON.stringify([...attributes].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ]),
  );
}

function changedKeys(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => (before.get(name) ?? "") !== (after.get(name) ?? "")).toSorted();
}
