import { type Principal, subjectOf, subjectPrincipal } from "#shared/contract/principal.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { changedRoles } from "./changed-roles.ts";
import { forEver } from "./resolve-subject.ts";
import { boundOtherwise, type Snapshot } from "./snapshot.ts";
import { changedSubjects } from "./subject-roles.ts";

/** A longer list of names costs more to carry than asking for everything again. */
const MAX_NAMES = 1_000;

/** The principals that a change of policy can affect. */
export type Affected = { readonly all: true } | { readonly roles: string[]; readonly subjects: Principal[] };

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
  const http = changedSubjects(before.httpBindings, after.httpBindings, MAX_NAMES);
  if (http.count > MAX_NAMES) return EVERYONE;
  const roles = changedRoles(before.document.roles, after.document.roles);
  const bound = otherRoles(before, after, http.some);
  const known = isSameDocument ? [] : changedKeys(attributesOf(before), attributesOf(after));
  const subjects = [...new Set([...bound, ...known])].toSorted();
  return roles.length + subjects.length > MAX_NAMES ? EVERYONE : { roles, subjects };
}

function mapsOf({ document }: Snapshot): string {
  return JSON.stringify([document.events, document.routes, document.trust]);
}

/** Whose roles differ, where they do over HTTP for those who `changed`. What is bound to a subject over HTTP replaces the document's word. */
function otherRoles(before: Snapshot, after: Snapshot, changed: readonly string[]): Principal[] {
  const names = new Set([...changed.map(subjectPrincipal), ...boundOtherwise(before, after)]);
  return [...names].filter((name) => boundText(before, name) !== boundText(after, name));
}

function boundText({ documentBindings, httpBindings }: Snapshot, principal: Principal): string {
  const subject = subjectOf(principal);
  const set = subject === undefined ? undefined : httpBindings.get(subject);
  const bound = set?.map(forEver) ?? documentBindings.get(principal) ?? [];
  return textOf(bound.map(({ role, until }) => compositeKey(role, String(until))));
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

/** Different sets have different texts; the empty one has that of a name that is not there. */
function textOf(parts: Iterable<string>): string {
  const sorted = [...parts].toSorted();
  return sorted.length === 0 ? "" : compositeKey(...sorted);
}
