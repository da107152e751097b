import { type Principal, subjectOf, subjectPrincipal } from "#shared/contract/principal.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import { changedRoles } from "./changed-roles.ts";
import { boundOtherwise, type DocumentBound } from "./document-bindings.ts";
import type { BoundSource, PolicySource } from "./policy-diff.ts";
import { forEver } from "./resolve-subject.ts";
import { type ChangedSubjects, changedSubjects } from "./subject-roles.ts";

/** A longer list of names costs more to carry than asking for everything again. */
export const MAX_AFFECTED_NAMES = 1_000;

/** What documents bind to more principals than this is not compared name by name with what is set over HTTP. */
const MAX_BOUND_NAMES = 2_000;

/** The principals that a change of policy can affect. */
export type Affected = { readonly all: true } | { readonly roles: string[]; readonly subjects: Principal[] };

/** Everyone. */
export const EVERYONE: Affected = { all: true };

/** What two documents and the times of their versions alone say of whom a change can affect. */
export type DocumentEffects = { readonly all: true } | NamedEffects;

interface NamedEffects {
  readonly all?: never;
  /** Roles whose rules differ. */
  readonly roles: readonly string[];
  /** Those to whom the documents bind other roles, whatever is set over HTTP. */
  readonly bound: readonly Principal[];
  /** Those with other attributes. */
  readonly known: readonly Principal[];
}

/** The principals that the step from one version to the next can affect. */
export function affectedBy(before: PolicySource | undefined, after: PolicySource): Affected {
  if (before === undefined) return EVERYONE;
  const changed = changedSubjects(before.httpBindings, after.httpBindings, MAX_AFFECTED_NAMES);
  return affectedNames(documentEffects(before, after), before, after, changed);
}

/**
 * What documents have to say of it: everyone, if the event map, the routes or the trusted issuers differ, or a role is new: a
 * token may have carried its name all along, and no grant says so.
 */
export function documentEffects(before: Omit<PolicySource, "httpBindings">, after: typeof before): DocumentEffects {
  const [was, is] = [before.document, after.document];
  const bound = boundOtherwise(before, after).filter(
    (name) => documentText(before, name) !== documentText(after, name),
  );
  if (bound.length > MAX_BOUND_NAMES) return { all: true };
  if (was === is) return { roles: [], bound, known: [] };
  if (mapsOf(was) !== mapsOf(is)) return { all: true };
  if ([...is.roles.keys()].some((role) => !was.roles.has(role))) return { all: true };
  const known = changedKeys(attributesOf(was), attributesOf(is));
  return { roles: changedRoles(was.roles, is.roles), bound, known };
}

/** All together: what is bound to a subject over HTTP replaces the document's word. */
export function affectedNames(
  effects: DocumentEffects,
  before: BoundSource,
  after: BoundSource,
  changed: ChangedSubjects,
): Affected {
  if (effects.all === true || changed.count > MAX_AFFECTED_NAMES) return EVERYONE;
  const { roles, bound, known } = effects;
  const names = new Set([...changed.some.map(subjectPrincipal), ...bound]);
  const otherRoles = [...names].filter((name) => boundText(before, name) !== boundText(after, name));
  const subjects = [...new Set([...otherRoles, ...known])].toSorted();
  return roles.length + subjects.length > MAX_AFFECTED_NAMES ? EVERYONE : { roles: [...roles], subjects };
}

function mapsOf({ events, routes, trust }: PolicyDocument): string {
  return JSON.stringify([events, routes, trust]);
}

function boundText(source: BoundSource, principal: Principal): string {
  const subject = subjectOf(principal);
  const set = subject === undefined ? undefined : source.httpBindings.get(subject);
  return set === undefined ? documentText(source, principal) : textOf(set.map(forEver).map(roleText));
}

function documentText({ documentBindings }: Pick<DocumentBound, "documentBindings">, principal: Principal): string {
  return textOf((documentBindings.get(principal) ?? []).map(roleText));
}

function roleText({ role, until }: ReturnType<typeof forEver>): string {
  return compositeKey(role, String(until));
}

function attributesOf({ attributes }: PolicyDocument): Map<string, string> {
  return new Map(
    Array.from(attributes, ([subject, held]) => [
      subject,
      JSON.stringify([...held].toSorted(([a], [b]) => (a < b ? -1 : 1))),
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
