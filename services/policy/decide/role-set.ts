/**
 * A set of role indices. Up to 32 roles are one number, which stands in the row or the grant itself: a decision follows half
 * as many pointers then, and over many tenants it costs little else. Above, 32 to a word. Two sets are only ever compared
 * within one snapshot, so they have one shape.
 */
export type RoleSet = number | Int32Array;

const BITS = 32;

/** The set of these roles, with room for `size` of them. */
export function createRoleSet(size: number, roles: Iterable<number> = []): RoleSet {
  const words = new Int32Array(wordsFor(size));
  for (const role of roles) addRole(words, role);
  return words.length === 1 ? (words[0] ?? 0) : words;
}

/** How many words a set of roles has, with room for `size` of them. */
export function wordsFor(size: number): number {
  return Math.max(1, Math.ceil(size / BITS));
}

/** Puts a role into the words of a set that is still being made. */
export function addRole(words: Int32Array, role: number): void {
  words[role >>> 5] = (words[role >>> 5] ?? 0) | (1 << (role & 31));
}

/** The roles of all sets, with room for `size` of them. */
export function unionOf(size: number, sets: Iterable<RoleSet>): RoleSet {
  const words = new Int32Array(wordsFor(size));
  for (const set of sets) {
    for (let word = 0; word < words.length; word += 1) words[word] = (words[word] ?? 0) | wordOf(set, word);
  }
  return words.length === 1 ? (words[0] ?? 0) : words;
}

/** Whether the role is in the set. */
export function hasRole(set: RoleSet, role: number): boolean {
  return (wordOf(set, role >>> 5) & (1 << (role & 31))) !== 0;
}

/** The roles of the set, in their order, but for those `without`. Of 2 048 possible ones it looks at 64 words. */
export function rolesIn(set: RoleSet, without: RoleSet = 0): number[] {
  const roles: number[] = [];
  const words = typeof set === "number" ? 1 : set.length;
  for (let index = 0; index < words; index += 1) {
    for (let rest = wordOf(set, index) & ~wordOf(without, index); rest !== 0; rest &= rest - 1)
      roles.push(index * BITS + 31 - Math.clz32(rest & -rest));
  }
  return roles;
}

/** Whether the two sets have a role in common. */
export function intersects(a: RoleSet, b: RoleSet): boolean {
  if (typeof a === "number" || typeof b === "number") return (wordOf(a, 0) & wordOf(b, 0)) !== 0;
  for (let word = 0; word < a.length; word += 1) {
    if ((wordOf(a, word) & wordOf(b, word)) !== 0) return true;
  }
  return false;
}

function wordOf(set: RoleSet, index: number): number {
  if (typeof set === "number") return index === 0 ? set : 0;
  return set[index] ?? 0;
}
