import { isName } from "#shared/contract/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { addRoles, createRoleSet, intersects, type RoleSet } from "./role-set.ts";
import type { Snapshot } from "./snapshot.ts";

/** A grant as a snapshot reads it: all roles it has, inherited ones included, and what `{sub}` stands for. */
export interface Grant {
  readonly roles: RoleSet;
  readonly sub: string | undefined;
}

/**
 * The id of the grant for these roles: `<roles>@<sub>`, where the sub stands only if a rule of the roles looks at it. An
 * id says all there is to know, so any process of policy can read the grants of any other.
 */
export function encodeGrant(snapshot: Snapshot, roles: readonly string[], sub: string): string {
  const isPersonal = isName(sub) && intersects(withInherited(snapshot, roles), snapshot.personalRoles);
  return `${[...new Set(roles)].toSorted().join(",")}@${isPersonal ? sub : ""}`;
}

/**
 * Reads a grant's id. Roles that this version does not define are left out: they give nothing.
 * @throws {AppError} `malformed_request` when it is not an id that policy gives out.
 */
export function decodeGrant(snapshot: Snapshot, id: string): Grant {
  const [list, sub, ...more] = id.split("@");
  const roles = list === "" || list === undefined ? [] : list.split(",");
  if (sub === undefined || more.length > 0 || (sub !== "" && !isName(sub)) || !roles.every(isName)) {
    throw new AppError("malformed_request", "this is not the id of a grant");
  }
  return { roles: withInherited(snapshot, roles), sub: sub === "" ? undefined : sub };
}

/** The set of these roles and everything they inherit. */
export function withInherited({ roleBits, lineages }: Snapshot, roles: readonly string[]): RoleSet {
  const all = createRoleSet(roleBits.size);
  for (const role of roles) {
    const lineage = lineages[roleBits.get(role) ?? -1];
    if (lineage !== undefined) addRoles(all, lineage);
  }
  return all;
}
