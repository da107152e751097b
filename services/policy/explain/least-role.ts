import { withInherited } from "../decide/grant.ts";
import { createRoleSet, intersects, type RoleSet, rolesIn } from "../decide/role-set.ts";
import { ownerAt } from "../decide/rule-table.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { mapInTurns } from "../work/turns.ts";

/** What lets somebody take more rights, or take things from others. */
const POWERS = ["policy:admin", "session:admin", "client:admin", "event:erase", "event:inspect"];

/** More permissions than a product has; of a document with more the first ones are counted. */
const MAX_COUNTED = 512;

/** The roles that allow a permission somewhere by a rule of their own, as a set. */
export function ownersOf(snapshot: Snapshot, permission: string): RoleSet {
  const owners = [...snapshot.placesAbout(permission)].map((place) => ownerAt(snapshot.compiled.rules, place));
  const allowing = owners.filter(({ effect }) => effect === "allow").map(({ role }) => role);
  return createRoleSet(snapshot.roleNames.length, allowing);
}

/**
 * The role among these that gives the least: the fewest powers, then the fewest of the permissions that event types and routes ask for, then the
 * fewest rules. `*:*` is one rule, and gives most.
 */
export async function leastRole(snapshot: Snapshot, roles: readonly string[]): Promise<string | undefined> {
  const { events, routes } = snapshot.document;
  const asked = [...new Set([...events, ...routes].map(({ permission }) => permission))].slice(0, MAX_COUNTED);
  const owners = await mapInTurns([...POWERS, ...asked], (permission) => ownersOf(snapshot, permission));
  const rules = rulesByRole(snapshot);
  const weighed = await mapInTurns(roles, (role) => {
    const lineage = withInherited(snapshot, [role]);
    const held = owners.map((each) => intersects(each, lineage));
    const own = rolesIn(lineage).reduce((sum, bit) => sum + (rules[bit] ?? 0), 0);
    return { role, weight: [countIn(held.slice(0, POWERS.length)), countIn(held), own] };
  });
  return weighed.toSorted((a, b) => compare(a.weight, b.weight))[0]?.role;
}

function countIn(some: readonly boolean[]): number {
  return some.filter(Boolean).length;
}

function compare(one: readonly number[], other: readonly number[]): number {
  const place = one.findIndex((count, at) => count !== other[at]);
  return (one[place] ?? 0) - (other[place] ?? 0);
}

function rulesByRole({ compiled, roleNames }: Snapshot): number[] {
  const counts = roleNames.map(() => 0);
  for (const owner of compiled.rules.owners) counts[owner >>> 1] = (counts[owner >>> 1] ?? 0) + 1;
  return counts;
}
