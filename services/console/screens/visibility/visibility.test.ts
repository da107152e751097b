import { expect, test } from "vitest";
import { groupTypes, type Person, type Sight, stepOf, type Visibility } from "./visibility.ts";

const all: Sight = { how: "all", rules: [] };
const some: Sight = { how: "some", rules: ["a:b@x.y"] };

function seen(people: readonly Person[], ...patterns: string[]): Visibility {
  const types = patterns.map((pattern) => ({ pattern, permission: "a:b" }));
  return { version: 2, total: people.length, unseen: 0, types, people };
}

test("types of which everybody sees as much are one group, in the order of the event map", () => {
  const people: Person[] = [
    { who: "alice", roles: [], sees: { "a.*": all, "c.*": all } },
    { who: "bob", roles: [], sees: { "c.*": all } },
  ];
  const visibility = seen(people, "a.*", "b.*", "c.*", "d.*");
  expect(groupTypes(visibility, "")).toEqual([
    { patterns: ["a.*"] },
    { patterns: ["b.*", "d.*"] },
    { patterns: ["c.*"] },
  ]);
  expect(groupTypes(visibility, "c")).toEqual([{ patterns: ["c.*"] }]);
});

test("what somebody saw otherwise keeps types apart", () => {
  const people: Person[] = [{ who: "alice", roles: [], sees: { "a.*": all, "b.*": all }, saw: { "a.*": all } }];
  expect(groupTypes(seen(people, "a.*", "b.*"), "")).toHaveLength(2);
});

test.each([
  [{}, {}, "same"],
  [{ "a.*": all }, { "a.*": all }, "same"],
  [{ "a.*": all }, {}, "gained"],
  [{}, { "a.*": some }, "lost"],
  [{ "a.*": all }, { "a.*": some }, "changed"],
] as const)("%j after %j is %s", (sees, saw, step) => {
  expect(stepOf({ who: "alice", roles: [], sees, saw }, "a.*")).toBe(step);
});
