/** For each role, the roles whose rules it has too. */
export type ParentsOf = ReadonlyMap<string, readonly string[]>;

/**
 * The roles, grouped and in an order in which each comes after all that it inherits. Roles of one group inherit each other:
 * in a sound document each group is one role. It costs as much as there are roles and inheritances (Tarjan's strongly
 * connected components). What is inherited and not defined is left out.
 */
export function inheritanceGroups(parentsOf: ParentsOf): string[][] {
  const groups: string[][] = [];
  const order = new Map<string, number>();
  /** Roles whose group is not known yet; with each, the first role of the stack that it reaches. */
  const open = new Map<string, number>();
  const stack: string[] = [];
  const visit = (role: string): number => {
    const own = order.size;
    const height = stack.push(role) - 1;
    order.set(role, own);
    open.set(role, own);
    for (const parent of parentsOf.get(role) ?? []) {
      if (!parentsOf.has(parent)) continue;
      const reached = order.has(parent) ? open.get(parent) : visit(parent);
      open.set(role, Math.min(open.get(role) ?? own, reached ?? own));
    }
    const first = open.get(role) ?? own;
    if (first < own) return first;
    const group = stack.splice(height);
    for (const each of group) open.delete(each);
    groups.push(group);
    return own;
  };
  for (const role of parentsOf.keys()) if (!order.has(role)) visit(role);
  return groups;
}
