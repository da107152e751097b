import { isName } from "#shared/contract/names.ts";
import { groupSubject } from "../document/policy-document.ts";
import { encodeGrant, withInherited } from "./grant.ts";
import { hasRole } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** Someone, as their token tells. */
export interface Subject {
  readonly id: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** What a subject is given: the grant's id, and the roles whose change makes it worth asking again. */
export interface ResolvedGrant {
  readonly id: string;
  readonly roles: readonly string[];
}

/** The grant of a subject: the roles bound to it and to its groups, and those of its token, as far as they are defined. */
export function resolveSubject(snapshot: Snapshot, subject: Subject): ResolvedGrant {
  const roles = [
    ...boundRoles(snapshot, subject.id).roles,
    ...subject.groups.flatMap((group) => snapshot.documentBindings.get(groupSubject(group)) ?? []),
    ...subject.roles,
  ].filter((role) => snapshot.roleBits.has(role));
  const all = withInherited(snapshot, roles);
  return {
    id: encodeGrant(snapshot, roles, subject.id),
    roles: [...snapshot.roleBits].filter(([, bit]) => hasRole(all, bit)).map(([name]) => name),
  };
}

/** The roles bound to a subject by name, and where that is said. What was set over HTTP replaces the document's word. */
export function boundRoles(
  { httpBindings, documentBindings }: Snapshot,
  subject: string,
): { readonly roles: readonly string[]; readonly source: "document" | "http" } {
  const set = httpBindings.get(subject);
  if (set !== undefined) return { roles: set, source: "http" };
  return { roles: isName(subject) ? (documentBindings.get(subject) ?? []) : [], source: "document" };
}
