import fc from "fast-check";
import { expect, it } from "vitest";
import { permissionMatches } from "#shared/protocol/permissions.ts";
import { parseDocument } from "../document/parse-document.ts";
import { hasRole } from "./role-set.ts";
import { compileSnapshot } from "./snapshot.ts";

const token = fc.constantFrom("a", "b", "c");
const permission = fc.array(token, { minLength: 2, maxLength: 4 }).map((tokens) => tokens.join(":"));
const pattern = fc
  .array(fc.oneof(token, fc.constant("*")), { minLength: 2, maxLength: 4 })
  .map((tokens) => tokens.join(":"));
const rule = fc.tuple(pattern, fc.constantFrom("", "@x.*", "@>")).map(([each, topic]) => each + topic);
const role = fc.record({ allow: fc.array(rule, { maxLength: 3 }), deny: fc.array(rule, { maxLength: 2 }) });

function compile(roles: object) {
  const { document, faults } = parseDocument(JSON.stringify({ tenant: "acme", roles }), "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return compileSnapshot({ number: 1, build: "b" }, document, new Map());
}

it("the rules about a permission are those that match it, in the document's order", () => {
  fc.assert(
    fc.property(fc.array(role, { maxLength: 6 }), permission, (roles, wanted) => {
      const snapshot = compile(Object.fromEntries(roles.map((each, index) => [`r${index}`, each])));
      const all = [...snapshot.document.roles.values()].flatMap(({ allow, deny }, bit) => [
        ...allow.map((each) => ({ ...each, bit, effect: "allow" })),
        ...deny.map((each) => ({ ...each, bit, effect: "deny" })),
      ]);
      const about = all.filter((each) => permissionMatches(each.permission, wanted));
      const row = snapshot.rowOf(wanted);
      for (const [bit] of roles.entries()) {
        const says = (effect: string) =>
          about.some((each) => each.bit === bit && each.effect === effect && (each.topic ?? ">") === ">");
        expect([hasRole(row.allow, bit), hasRole(row.deny, bit)]).toEqual([says("allow"), says("deny")]);
      }
      expect(row.limited.map(({ role: bit, effect, template }) => ({ bit, effect, template }))).toEqual(
        about
          .filter(({ topic = ">" }) => topic !== ">")
          .map(({ bit, effect, topic }) => ({ bit, effect, template: topic })),
      );
    }),
  );
});

it("2 048 roles, each of which inherits the one before, are read and decided", () => {
  const roles = Array.from({ length: 2_048 }, (_, index) => [
    `r${index}`,
    { inherits: index === 0 ? [] : [`r${index - 1}`], allow: [`p${index}:read`] },
  ]);
  const snapshot = compile(Object.fromEntries(roles));
  const { lineages, roleBits } = snapshot;
  const lastBit = roleBits.get("r2047")!;
  expect([...roleBits.values()].every((bit) => hasRole(lineages[lastBit]!, bit))).toBe(true);
  expect(hasRole(lineages[0]!, lastBit)).toBe(false);
  expect(hasRole(snapshot.rowOf("p7:read").allow, 7)).toBe(true);
});

const inheriting = fc.array(fc.array(fc.nat(69), { maxLength: 3 }), { minLength: 33, maxLength: 70 });

it("a role has exactly what it inherits, however many roles there are", () => {
  fc.assert(
    fc.property(inheriting, (parents) => {
      const parentsOf = parents.map((each, index) => each.filter((parent) => parent < index));
      const { lineages, roleBits } = compile(
        Object.fromEntries(
          parentsOf.map((each, index) => [`r${index}`, { inherits: each.map((parent) => `r${parent}`) }]),
        ),
      );
      const reached = (from: number): Set<number> => {
        const found = new Set([from]);
        for (const each of found) for (const parent of parentsOf[each] ?? []) found.add(parent);
        return found;
      };
      for (const heir of parentsOf.keys()) {
        const lineage = lineages[roleBits.get(`r${heir}`)!]!;
        const held = [...parentsOf.keys()].filter((other) => hasRole(lineage, roleBits.get(`r${other}`)!));
        expect(held).toEqual([...reached(heir)].toSorted((a, b) => a - b));
      }
    }),
    { numRuns: 30 },
  );
});
