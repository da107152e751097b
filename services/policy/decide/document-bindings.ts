import type { Principal } from "#shared/contract/principal.ts";
import type { PolicyDocument } from "../document/policy-document.ts";
import type { Steps } from "../work/turns.ts";

/** A role that somebody has until a time, in milliseconds since 1970; infinity is for ever. */
export interface BoundRole {
  readonly role: string;
  readonly until: number;
}

/** Everybody whom a document binds, in a form that one thread makes and another takes in. Many have one list of roles. */
export interface BindingTable {
  readonly lists: readonly (readonly BoundRole[])[];
  readonly names: readonly Principal[];
  /** For each name: which list it has. */
  readonly listOf: Uint32Array;
}

/** What a document binds at the time that a version was stored, and when the first of it ends. */
export interface DocumentBound {
  readonly documentBindings: ReadonlyMap<Principal, readonly BoundRole[]>;
  /** In milliseconds since 1970; infinity where none does. */
  readonly bindingsEnd: number;
}

/** What has ended from one version to the next. */
export interface EndedBindings {
  /** The first of those who have lost a role. */
  readonly some: readonly Principal[];
  /** How many roles were lost in all, each by each who had it. */
  readonly count: number;
}

/** Nothing. */
export const NONE_ENDED: EndedBindings = { some: [], count: 0 };

/** A change that more than this many can notice is told to everybody. */
const MAX_ENDED_NAMES = 1_001;

const NAMES_AT_ONCE = 250;

/** Makes the table of a document's bindings. */
export function tableOfBindings({ bindings }: PolicyDocument): BindingTable {
  const bySubject = new Map<Principal, Map<string, number>>();
  for (const { role, subjects, until = Number.POSITIVE_INFINITY } of bindings) {
    for (const subject of subjects) {
      const bound = bySubject.get(subject) ?? new Map<string, number>();
      bySubject.set(subject, bound.set(role, Math.max(until, bound.get(role) ?? until)));
    }
  }
  const places = new Map<string, number>();
  const lists: BoundRole[][] = [];
  const listOf = Array.from(bySubject.values(), (bound) => {
    const key = JSON.stringify(Array.from(bound, ([role, until]) => [role, String(until)]));
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, lists.length);
    return lists.push(Array.from(bound, ([role, until]) => ({ role, until }))) - 1;
  });
  return { lists, names: [...bySubject.keys()], listOf: Uint32Array.from(listOf) };
}

/** What a table binds in a version that is stored at `storedAt`, in milliseconds since 1970, without what has ended by then. */
export function* boundAt({ lists, names, listOf }: BindingTable, storedAt: number): Steps<DocumentBound> {
  const left = lists.map((list) => withoutEnded(list, storedAt));
  const documentBindings = new Map<Principal, readonly BoundRole[]>();
  for (const [index, name] of names.entries()) {
    const list = left[listOf[index] ?? 0];
    if (list !== undefined && list.length > 0) documentBindings.set(name, list);
    if (index % NAMES_AT_ONCE === 0) yield;
  }
  return { documentBindings, bindingsEnd: firstEnd(left) };
}

/** What is left at a later time. Whoever keeps all roles keeps the same list of them, and where nothing has ended all do. */
export function* boundSince(
  { documentBindings: before, bindingsEnd }: DocumentBound,
  storedAt: number,
): Steps<DocumentBound & { readonly ended: EndedBindings }> {
  if (bindingsEnd > storedAt) return { documentBindings: before, bindingsEnd, ended: NONE_ENDED };
  const lists = new Map<readonly BoundRole[], readonly BoundRole[]>();
  const documentBindings = new Map<Principal, readonly BoundRole[]>();
  const some: Principal[] = [];
  let count = 0;
  let passed = 0;
  for (const [name, list] of before) {
    const left = lists.get(list) ?? withoutEnded(list, storedAt);
    lists.set(list, left);
    if (left.length > 0) documentBindings.set(name, left);
    if (left !== list && some.length < MAX_ENDED_NAMES) some.push(name);
    count += list.length - left.length;
    passed += 1;
    if (passed % NAMES_AT_ONCE === 0) yield;
  }
  return { documentBindings, bindingsEnd: firstEnd(lists.values()), ended: { some, count } };
}

/** The principals to whom the documents of two versions may bind other roles. */
export function boundOtherwise(
  before: Pick<DocumentBound, "documentBindings">,
  after: Pick<DocumentBound, "documentBindings">,
): Principal[] {
  const [was, is] = [before.documentBindings, after.documentBindings];
  if (was === is) return [];
  const gone = [...was.keys()].filter((principal) => !is.has(principal));
  return [...gone, ...[...is.keys()].filter((principal) => was.get(principal) !== is.get(principal))];
}

function withoutEnded(list: readonly BoundRole[], storedAt: number): readonly BoundRole[] {
  const left = list.filter(({ until }) => until > storedAt);
  return left.length < list.length ? left : list;
}

function firstEnd(lists: Iterable<readonly BoundRole[]>): number {
  let first = Number.POSITIVE_INFINITY;
  for (const list of lists) for (const { until } of list) first = Math.min(first, until);
  return first;
}
