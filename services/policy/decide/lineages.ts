import type { Role } from "../document/policy-document.ts";
import { createRoleSet, type RoleSet, union } from "./role-set.ts";

/** For each role, in their order: itself and everything it inherits. Each is made of its parents', so a role is walked once. */
export function lineagesOf(roles: ReadonlyMap<string, Pick<Role, "inherits">>): RoleSet[] {
  const bits = new Map(Array.from(roles.keys(), (name, bit) => [name, bit]));
  const found = new Map<string, RoleSet>();
  const lineageOf = (name: string): RoleSet => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const bit = bits.get(name);
    const own = createRoleSet(bits.size, bit === undefined ? [] : [bit]);
    const lineage = (roles.get(name)?.inherits ?? []).map(lineageOf).reduce(union, own);
    found.set(name, lineage);
    return lineage;
  };
  return Array.from(roles.keys(), lineageOf);
}
