/** A set of role indices, 32 to a word. Two sets are only ever compared within one snapshot, so they have one length. */
export type RoleSet = Uint32Array;

/** The set of these roles, with room for `size` of them. */
export function createRoleSet(size: number, roles: Iterable<number> = []): RoleSet {
  const set = new Uint32Array(Math.max(1, Math.ceil(size / 32)));
  for (const role of roles) addRole(set, role);
  return set;
}

/** Adds a role. */
export function addRole(set: RoleSet, role: number): void {
  set[role >>> 5] = (set[role >>> 5] ?? 0) | (1 << (role & 31));
}

/** Adds all roles of `other`. */
export function addRoles(set: RoleSet, other: RoleSet): void {
  for (let word = 0; word < set.length; word += 1) set[word] = (set[word] ?? 0) | (other[word] ?? 0);
}

/** Whether the role is in the set. */
export function hasRole(set: RoleSet, role: number): boolean {
  return ((set[role >>> 5] ?? 0) & (1 << (role & 31))) !== 0;
}

/** Whether the two sets have a role in common. */
export function intersects(a: RoleSet, b: RoleSet): boolean {
  for (let word = 0; word < a.length; word += 1) {
    if (((a[word] ?? 0) & (b[word] ?? 0)) !== 0) return true;
  }
  return false;
}
