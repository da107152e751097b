import { type Principal, subjectPrincipal } from "#shared/contract/principal.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { changedRoles } from "./changed-roles.ts";
import type { Snapshot } from "./snapshot.ts";

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
  if (before === undefined || mapsOf(before) !== mapsOf(after)) return EVERYONE;
  if ([...after.roleBits.keys()].some((role) => !before.roleBits.has(role))) return EVERYONE;
  const roles = changedRoles(before.document.roles, after.document.roles);
  const bound = changedKeys(bindingsOf(before), bindingsOf(after));
  const known = changedKeys(attributesOf(before), attributesOf(after));
  const subjects = [...new Set([...bound, ...known])].toSorted();
  return roles.length + subjects.length > MAX_NAMES ? EVERYONE : { roles, subjects };
}

function mapsOf({ document }: Snapshot): string {
  return JSON.stringify([document.events, document.routes, document.trust]);
}

function bindingsOf({ documentBindings, httpBindings }: Snapshot): Map<string, string> {
  const fromDocument = Array.from(documentBindings, ([subject, bound]): [string, string[]] => [
    subject,
    bound.map(({ role, until }) => compositeKey(role, String(until))),
  ]);
  const fromHttp = Array.from(httpBindings, ([subject, roles]) => [subjectPrincipal(subject), roles] as const);
  return new Map(
    Array.from(new Map<string, readonly string[]>([...fromDocument, ...fromHttp]), ([subject, roles]) => [
      subject,
      textOf(roles),
    ]),
  );
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
