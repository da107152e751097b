import fc from "fast-check";
import { expect, it } from "vitest";
import { inheritanceGroups } from "./inheritance.ts";

const groupsOf = (parents: Record<string, string[]>) => inheritanceGroups(new Map(Object.entries(parents)));

it("a role comes after all that it inherits", () => {
  expect(groupsOf({ c: ["b", "a"], b: ["a"], a: ["unknown"] })).toEqual([["a"], ["b"], ["c"]]);
});

it("roles that inherit each other are one group", () => {
  const groups = groupsOf({ heir: ["a"], a: ["b"], b: ["c", "root"], c: ["a"], root: [], self: ["self"] });
  expect(groups.map((group) => group.toSorted())).toEqual([["root"], ["a", "b", "c"], ["heir"], ["self"]]);
});

const graph = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 });

it("groups are what a search from each role finds", () => {
  fc.assert(
    fc.property(graph, (edges) => {
      const parentsOf = new Map(edges.map((parents, role) => [`${role}`, parents.map(String)]));
      const reachedFrom = (role: string): Set<string> => {
        const found = new Set<string>();
        const open = [role];
        for (let next = open.pop(); next !== undefined; next = open.pop()) {
          const parents = (parentsOf.get(next) ?? []).filter((parent) => parentsOf.has(parent) && !found.has(parent));
          for (const parent of parents) found.add(parent);
          open.push(...parents);
        }
        return found;
      };
      const groups = inheritanceGroups(parentsOf);
      const place = new Map(groups.flatMap((group, index) => group.map((role) => [role, index] as const)));
      expect(place.size).toBe(parentsOf.size);
      for (const [role, reached] of [...parentsOf.keys()].map((each) => [each, reachedFrom(each)] as const)) {
        for (const other of reached) {
          const isMutual = reachedFrom(other).has(role);
          expect(place.get(role) === place.get(other)).toBe(isMutual);
          expect(place.get(other)).toBeLessThanOrEqual(place.get(role)!);
        }
      }
    }),
  );
});
