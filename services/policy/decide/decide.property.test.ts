import * as fc from "fast-check";
import { expect, it } from "vitest";
import { topicMatches } from "#shared/contract/topics.ts";
import { parseDocument } from "../document/parse-document.ts";
import { decide } from "./decide.ts";
import { decodeGrant, encodeGrant } from "./grant.ts";
import { residualOf } from "./residual.ts";
import { compileSnapshot } from "./snapshot.ts";
import { winningRule } from "./winning-rule.ts";

/** Roles inherit only from those before them, so that every document is valid. */
interface RandomRole {
  readonly parents: readonly number[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const permissionPattern = fc
  .tuple(fc.constantFrom("a", "b", "*"), fc.constantFrom("read", "write", "read:deep", "*"))
  .map((parts) => parts.join(":"));
const token = fc.constantFrom("x", "y", "*", "{sub}", "{tenant}");
const topicPattern = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 3 }), fc.constantFrom("x", "*", ">", "{sub}"))
  .map(([first, last]) => [...first, last].join("."));
const rule = fc.oneof(
  permissionPattern,
  fc.tuple(permissionPattern, topicPattern).map((parts) => parts.join("@")),
);
const rules = fc.array(rule, { maxLength: 3 });
const roles = fc.array(fc.record({ parents: fc.array(fc.nat(5), { maxLength: 2 }), allow: rules, deny: rules }), {
  minLength: 1,
  maxLength: 6,
});
const topic = fc
  .array(fc.constantFrom("x", "y", "me", "acme"), { minLength: 2, maxLength: 4 })
  .map((parts) => parts.join("."));
const permission = fc.constantFrom("a:read", "a:write", "b:read", "a:read:deep");

/** Walks the roles and reads every rule anew: slow, and plainly what the rules mean. */
function oracle(all: readonly RandomRole[], held: readonly number[], sub: string, wanted: string, on: string): boolean {
  const lineage = (role: number): number[] => [role, ...parentsOf(all, role).flatMap(lineage)];
  const effective = held.flatMap(lineage).map((role) => all[role]!);
  const applies = (text: string): boolean => {
    const [pattern = "", limit = ">"] = text.split("@");
    const filled = limit.split(".").map((part) => ({ "{sub}": sub, "{tenant}": "acme" })[part] ?? part);
    const expression = pattern
      .split(":")
      .map((part, index, parts) => (part === "*" ? (index === parts.length - 1 ? ".+" : "[^:]+") : part));
    return new RegExp(`^${expression.join(":")}$`).test(wanted) && topicMatches(filled.join("."), on);
  };
  return effective.some((role) => role.allow.some(applies)) && !effective.some((role) => role.deny.some(applies));
}

function parentsOf(all: readonly RandomRole[], role: number): number[] {
  return (all[role]?.parents ?? []).filter((parent) => parent < role);
}

it("a compiled decision, its residual and its rule say what reading the rules one by one says", () => {
  fc.assert(
    fc.property(
      roles,
      fc.array(fc.nat(5), { maxLength: 3 }),
      fc.constantFrom("me", "x"),
      permission,
      topic,
      (all, picked, sub, wanted, on) => {
        const held = picked.filter((role) => role < all.length);
        const entries = all.map(({ allow, deny }, role) => [
          `r${role}`,
          { inherits: parentsOf(all, role).map((parent) => `r${parent}`), allow, deny },
        ]);
        const { document } = parseDocument(
          JSON.stringify({ tenant: "acme", roles: Object.fromEntries(entries) }),
          "acme",
        );
        const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
        const grant = decodeGrant(
          snapshot,
          encodeGrant(
            snapshot,
            held.map((role) => `r${role}`),
            sub,
          ),
        );
        const expected = oracle(all, held, sub, wanted, on);
        const { allow, deny } = residualOf(snapshot, grant, wanted);
        const byResidual =
          allow.some((pattern) => topicMatches(pattern, on)) && !deny.some((pattern) => topicMatches(pattern, on));
        expect([decide(snapshot, grant, wanted, { topic: on, attributes: {} }), byResidual]).toEqual([
          expected,
          expected,
        ]);
        expect(winningRule(snapshot, grant, wanted, { topic: on, attributes: {} })?.effect === "allow").toBe(expected);
        expect(decide(snapshot, grant, wanted) && !expected).toBe(false);
      },
    ),
    { numRuns: 3_000 },
  );
});
