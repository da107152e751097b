import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeShard, encodeShard, refOf } from "../versions/policy-parts.ts";
import { createRoleSet, rolesIn } from "./role-set.ts";
import { runNow } from "../work/turns.ts";
import { changedSubjects, compareBindings, SubjectRoles } from "./subject-roles.ts";

const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const bindings = fc
  .uniqueArray(fc.tuple(names, fc.subarray(["viewer", 'a "b"', "c,d", "Zoë"])), {
    selector: ([name]) => name,
    maxLength: 40,
  })
  .map((all) => new Map<string, readonly string[]>(all));

describe("roles by subject", () => {
  it("stand in the shard that their name always had: stored policies rest on it", () => {
    const shardOf = (name: string) => SubjectRoles.from([[name, []]]).shards.findIndex(({ size }) => size > 0);
    expect(["alice", "bob", "auth0|64a", "Zoë", "__proto__", "x".repeat(256)].map(shardOf)).toEqual([
      81, 52, 133, 74, 34, 166,
    ]);
  });

  it("are those of a map with the same changes, and differ from the ones before where the map does", () => {
    fc.assert(
      fc.property(bindings, bindings, (before, changes) => {
        const was = SubjectRoles.from(before);
        const expected = new Map(before);
        let is = was;
        for (const [subject, roles] of changes) {
          is = is.with(subject, roles.length === 0 ? undefined : roles);
          if (roles.length === 0) expected.delete(subject);
          else expected.set(subject, roles);
        }
        expect(new Map(is)).toEqual(expected);
        expect(new Map(was)).toEqual(before);
        expect([is.size, [...expected.keys()].every((subject) => is.has(subject))]).toEqual([expected.size, true]);
        const changed = [...new Set([...before.keys(), ...expected.keys()])].filter(
          (subject) => JSON.stringify(before.get(subject)) !== JSON.stringify(expected.get(subject)),
        );
        const all = changedSubjects(was, is, 1_000);
        expect(all).toEqual({ some: changed.toSorted(), count: changed.length });
        expect(changedSubjects(before, expected, 2)).toMatchObject({ count: changed.length });
        expect(runNow(compareBindings(was, is))).toBe(changed.length === 0);
      }),
    );
  });

  it("are listed each once, whatever the size of a page, and stay in their places when others come", () => {
    fc.assert(
      fc.property(bindings, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        const roles = SubjectRoles.from(all);
        const listed: string[] = [];
        for (let more = true; more;) {
          const page = roles.page(listed.at(-1), limit);
          listed.push(...page.bindings.map(([subject]) => subject));
          more = page.hasMore;
        }
        expect(listed.toSorted()).toEqual([...all.keys()].toSorted());
        const rest = Array.from(roles.with("one more", ["viewer"]).listed(), ([subject]) => subject);
        expect(rest.filter((subject) => subject !== "one more")).toEqual(
          listed.filter((subject) => subject !== "one more"),
        );
      }),
    );
  });

  it("are the same after they were stored, and equal ones are one part, in whatever order they came", () => {
    fc.assert(
      fc.property(bindings, (all) => {
        expect(decodeShard(encodeShard(all))).toEqual(all);
        expect(refOf(encodeShard(new Map([...all].toReversed())))).toBe(refOf(encodeShard(all)));
      }),
    );
    expect(() => decodeShard(Buffer.from('{"roles":[],"subjects":[["a",0]]}'))).toThrow("has no role 0");
  });
});

describe("a set of roles", () => {
  it.each([1, 31, 32, 33, 64, 2_048])("of %i lists those that it has, in their order", (size) => {
    const roles = [...new Set([0, 30, 31, 32, 63, size - 1])].filter((role) => role < size).toSorted((a, b) => a - b);
    expect(rolesIn(createRoleSet(size, roles))).toEqual(roles);
  });
});
