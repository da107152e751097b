import { LRUCache } from "lru-cache";
import type { Principal } from "#shared/contract/principal.ts";
import type { Version } from "#shared/contract/version.ts";
import type { PolicyDocument, Role } from "../document/policy-document.ts";
import { SUBJECT_ID, subjectNames } from "../document/condition.ts";
import { inheritanceGroups } from "../document/inheritance.ts";
import type { TenantLimits } from "../limits/tenant-limits.ts";
import { compileEventMap, type EventMap } from "./compile-event-map.ts";
import { compileRoutes, type RouteMatcher } from "./compile-routes.ts";
import { placeholdersIn } from "./fill-template.ts";
import { createRoleSet, type RoleSet, union } from "./role-set.ts";
import { indexRules, type Row } from "./rule-index.ts";
import type { HttpBindings } from "./subject-roles.ts";

/** Rows beyond those that the document names are made when asked for; this many are kept. */
const MAX_EXTRA_ROWS = 1_024;

/** One version of a tenant's policy, compiled for deciding. It never changes; a new version is a new snapshot. */
export interface Snapshot {
  readonly version: Version;
  readonly document: PolicyDocument;
  /** What the document was read from, where it was a text. */
  readonly text?: string;
  readonly httpBindings: HttpBindings;
  /** The document's bindings in force when it was stored. */
  readonly documentBindings: ReadonlyMap<Principal, readonly BoundRole[]>;
  /** When the version was stored, in milliseconds since 1970. */
  readonly storedAt: number;
  /** When the first of them ends, in milliseconds since 1970; infinity where none does. */
  readonly bindingsEnd: number;
  /** The bit of each role. */
  readonly roleBits: ReadonlyMap<string, number>;
  /** For each role's bit: its name. */
  readonly roleNames: readonly string[];
  /** For each role's bit: the role and everything it inherits. */
  readonly lineages: readonly RoleSet[];
  /** For each role's bit: the subject's attributes that its own rules look at. */
  readonly namesUsed: readonly (readonly string[])[];
  /** The rows of the permissions that the document's events and routes need, as far as they were asked for. */
  readonly rows: ReadonlyMap<string, Row>;
  /** The tenant's state and limits; absent where only the document is looked at. */
  readonly standing?: TenantStanding;
  /** What the document's rules say about one permission. */
  rowOf(permission: string): Row;
  /** Which of the document's routes a request takes. */
  readonly matchRoute: RouteMatcher;
  /** Which permission events of a type need. */
  readonly permissionFor: EventMap;
}

/** A tenant's state and limits. */
export interface TenantStanding {
  readonly state: "active" | "suspended" | "deleted";
  readonly limits: TenantLimits;
}

/** A role that somebody has until a time, in milliseconds since 1970; infinity is for ever. */
export interface BoundRole {
  readonly role: string;
  readonly until: number;
}

/**
 * Compiles a document and the bindings set over HTTP into a snapshot. `storedAt` is when the version was stored, in
 * milliseconds since 1970: bindings that had ended by then are not in it, whatever clock looks at it.
 */
export function compileSnapshot(
  version: Version,
  document: PolicyDocument,
  httpBindings: HttpBindings,
  storedAt = Number.NEGATIVE_INFINITY,
): Snapshot {
  const bound = boundAt(document, storedAt);
  return { version, document, httpBindings, storedAt, ...bound, ...compileRules(document) };
}

/**
 * The same document with other bindings set over HTTP, under another version. Nothing of the document is compiled again; what it
 * binds is without what has ended in between.
 */
export function rebindSnapshot(
  known: Snapshot,
  version: Version,
  httpBindings: HttpBindings,
  storedAt: number,
): Snapshot {
  return { ...known, version, httpBindings, storedAt, ...boundSince(known, storedAt) };
}

type DocumentBound = Pick<Snapshot, "documentBindings" | "bindingsEnd">;

/** Whoever keeps all roles keeps the same list of them: what a version changes is found by identity. */
function boundSince(known: Snapshot, storedAt: number): DocumentBound {
  if (known.storedAt > storedAt) return boundAt(known.document, storedAt);
  if (known.bindingsEnd > storedAt) return { documentBindings: known.documentBindings, bindingsEnd: known.bindingsEnd };
  const documentBindings = new Map(known.documentBindings);
  for (const [principal, bound] of known.documentBindings) {
    const left = bound.filter(({ until }) => until > storedAt);
    if (left.length === 0) documentBindings.delete(principal);
    else if (left.length < bound.length) documentBindings.set(principal, left);
  }
  return { documentBindings, bindingsEnd: firstEnd(documentBindings) };
}

/** The principals to whom the documents of two snapshots may bind other roles. */
export function boundOtherwise(before: Pick<Snapshot, "documentBindings">, after: typeof before): Principal[] {
  const [was, is] = [before.documentBindings, after.documentBindings];
  if (was === is) return [];
  const gone = [...was.keys()].filter((principal) => !is.has(principal));
  return [...gone, ...[...is.keys()].filter((principal) => was.get(principal) !== is.get(principal))];
}

function boundAt(document: PolicyDocument, storedAt: number): DocumentBound {
  const documentBindings = bindingsBySubject(document, storedAt);
  return { documentBindings, bindingsEnd: firstEnd(documentBindings) };
}

/** What does not change with the bindings. Rows are made when they are asked for first: most of a large document's never are. */
function compileRules(
  document: PolicyDocument,
): Pick<
  Snapshot,
  "roleBits" | "roleNames" | "lineages" | "namesUsed" | "rows" | "rowOf" | "matchRoute" | "permissionFor"
> {
  const roleBits = new Map(Array.from(document.roles.keys(), (name, bit) => [name, bit]));
  const named = new Set([...document.events, ...document.routes].map(({ permission }) => permission));
  const compileRow = indexRules(document);
  const rows = new Map<string, Row>();
  const extraRows = new LRUCache<string, Row>({ max: MAX_EXTRA_ROWS });
  return {
    roleBits,
    roleNames: [...document.roles.keys()],
    lineages: lineagesOf(document, roleBits),
    namesUsed: Array.from(document.roles.values(), namesUsedBy),
    rows,
    rowOf(permission) {
      const known = rows.get(permission) ?? extraRows.get(permission);
      if (known !== undefined) return known;
      const row = compileRow(permission);
      (named.has(permission) ? rows : extraRows).set(permission, row);
      return row;
    },
    matchRoute: compileRoutes(document.routes),
    permissionFor: compileEventMap(document.events),
  };
}

function bindingsBySubject({ bindings }: PolicyDocument, storedAt: number): Map<string, BoundRole[]> {
  const bySubject = new Map<string, Map<string, number>>();
  for (const { role, subjects, until = Number.POSITIVE_INFINITY } of bindings) {
    if (until <= storedAt) continue;
    for (const subject of subjects) {
      const bound = bySubject.get(subject) ?? new Map<string, number>();
      bySubject.set(subject, bound.set(role, Math.max(until, bound.get(role) ?? until)));
    }
  }
  return new Map(
    Array.from(bySubject, ([subject, bound]) => [subject, Array.from(bound, ([role, until]) => ({ role, until }))]),
  );
}

function firstEnd(bindings: ReadonlyMap<string, readonly BoundRole[]>): number {
  let first = Number.POSITIVE_INFINITY;
  for (const bound of bindings.values()) {
    for (const { until } of bound) first = Math.min(first, until);
  }
  return first;
}

/** For each role, by its bit. A role comes after all that it inherits, so that each set is made of ready ones. */
function lineagesOf({ roles }: PolicyDocument, roleBits: ReadonlyMap<string, number>): RoleSet[] {
  const parentsOf = new Map(Array.from(roles, ([name, { inherits }]) => [name, inherits]));
  const lineages: RoleSet[] = [];
  for (const role of inheritanceGroups(parentsOf).flat()) {
    const bit = roleBits.get(role) ?? 0;
    const parents = (parentsOf.get(role) ?? []).map((parent) => lineages[roleBits.get(parent) ?? -1]);
    lineages[bit] = parents.filter((set) => set !== undefined).reduce(union, createRoleSet(roleBits.size, [bit]));
  }
  return lineages;
}

function namesUsedBy({ allow, deny }: Role): string[] {
  const names = [...allow, ...deny].flatMap(({ topic = "", when }) => [
    ...placeholdersIn(topic),
    ...(when === undefined ? [] : subjectNames(when)),
  ]);
  return [...new Set(names.map((name) => (name === "sub" ? SUBJECT_ID : name)))];
}
