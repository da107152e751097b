import { groupPrincipal, subjectPrincipal } from "#shared/contract/principal.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import { MAX_ATTRIBUTE_BYTES, sizeOf } from "../document/attributes-schema.ts";
import type { Attributes } from "../document/attributes.ts";
import { encodeGrant, withInherited } from "./grant.ts";
import { rolesIn } from "./role-set.ts";
import type { BoundRole } from "./document-bindings.ts";
import type { Snapshot } from "./snapshot.ts";

/** A subject, as its token describes it. */
export interface Subject {
  readonly id: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** What its token says of it, as far as that counts. */
  readonly attributes?: Attributes | undefined;
  /** What its token is limited to; undefined where the token has no scope. */
  readonly scope?: Scope | undefined;
}

/** What a subject is given: the grant's id, and the roles whose change makes it worth asking again. */
export interface ResolvedGrant {
  readonly id: string;
  readonly roles: readonly string[];
  /** How long it lasts before one of its bindings ends, in milliseconds from `now`; undefined where none does. */
  readonly remainingMs: number | undefined;
}

const NO_ATTRIBUTES: Attributes = new Map();

/**
 * The grant of a subject at `now`, in milliseconds since 1970: the roles bound to it and to its groups, and those of its
 * token, as far as they are defined.
 */
export function resolveSubject(snapshot: Snapshot, subject: Subject, now: number): ResolvedGrant {
  const held = heldRoles(snapshot, subject, now);
  const roles = [...held.keys()].filter((role) => snapshot.roleBits.has(role));
  const all = withInherited(snapshot, roles);
  const until = Math.min(Number.POSITIVE_INFINITY, ...roles.map((role) => held.get(role) ?? now));
  return {
    id: encodeGrant(snapshot, roles, subject.id, { attributes: attributesOf(snapshot, subject), scope: subject.scope }),
    roles: rolesIn(all).flatMap((bit) => snapshot.roleNames[bit] ?? []),
    remainingMs: until === Number.POSITIVE_INFINITY ? undefined : until - now,
  };
}

/** The roles bound to a subject by name, and where that is said. What was set over HTTP replaces the document's word. */
export function boundRoles(
  snapshot: Snapshot,
  subject: string,
  now: number,
): { readonly roles: readonly string[]; readonly source: "document" | "http" } {
  const source = snapshot.httpBindings.has(subject) ? "http" : "document";
  const roles = boundByName(snapshot, subject)
    .filter(({ until }) => until > now)
    .map(({ role }) => role);
  return { roles: roles.toSorted(), source };
}

/** The roles that count at `now`, each until the last of what gives it ends. */
function heldRoles(snapshot: Snapshot, subject: Subject, now: number): Map<string, number> {
  const bound = [
    ...boundByName(snapshot, subject.id),
    ...[...new Set(subject.groups)].flatMap((group) => snapshot.documentBindings.get(groupPrincipal(group)) ?? []),
    ...subject.roles.map(forEver),
  ];
  const held = new Map<string, number>();
  for (const { role, until } of bound) {
    if (until > now) held.set(role, Math.max(until, held.get(role) ?? until));
  }
  return held;
}

function boundByName({ httpBindings, documentBindings }: Snapshot, subject: string): readonly BoundRole[] {
  const set = httpBindings.get(subject);
  if (set !== undefined) return set.map(forEver);
  return documentBindings.get(subjectPrincipal(subject)) ?? [];
}

/** A role without an end, as those are that were set over HTTP or stand in a token. */
export function forEver(role: string): BoundRole {
  return { role, until: Number.POSITIVE_INFINITY };
}

/**
 * The attributes of a subject. What the document says of it by name replaces what it says of its groups, whose values come
 * together, and both replace what the token says. Those of the token and of many groups may be more than a grant can carry;
 * then they are as good as absent.
 */
function attributesOf(snapshot: Snapshot, subject: Subject): Attributes {
  const own = ownAttributes(snapshot, subject.id);
  const merged = new Map([...(subject.attributes ?? []), ...groupAttributes(snapshot, subject.groups), ...own]);
  return sizeOf(merged) > MAX_ATTRIBUTE_BYTES ? own : merged;
}

function ownAttributes({ document }: Snapshot, id: string): Attributes {
  return document.attributes.get(subjectPrincipal(id)) ?? NO_ATTRIBUTES;
}

function groupAttributes({ document }: Snapshot, groups: readonly string[]): Attributes {
  if (document.attributes.size === 0) return NO_ATTRIBUTES;
  const merged = new Map<string, readonly string[]>();
  for (const group of new Set(groups)) {
    for (const [name, values] of document.attributes.get(groupPrincipal(group)) ?? NO_ATTRIBUTES) {
      merged.set(name, [...new Set([...(merged.get(name) ?? []), ...values])].toSorted());
    }
  }
  return merged;
}
