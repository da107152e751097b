import fc from "fast-check";
import { expect, test } from "vitest";
import { eventTypeOf, patternsOverlap, topicMatches } from "#shared/protocol/topics.ts";
import { EventMap } from "./event-map.ts";

const WITHOUT_BOUND = { left: Number.POSITIVE_INFINITY };
const token = fc.constantFrom("a", "b", "c");
const type = fc.tuple(token, token).map((tokens) => tokens.join("."));
const pattern = fc.oneof(
  fc.constant(">"),
  fc
    .tuple(fc.constantFrom("a", "b", "*"), fc.constantFrom("a", "b", "*", ">"), fc.constantFrom("", ".x", ".>"))
    .map(([first, second, rest]) => (second === ">" ? `${first}.>` : `${first}.${second}${rest}`)),
);
const rule = fc.record({ pattern, permission: fc.constantFrom("p:read", "q:read", "r:read") });

test("the first rule that matches a type gives its permission, also where later ones say more", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), type, pattern, (rules, wanted, topic) => {
      const map = new EventMap();
      map.learn({ number: 1, build: "a" }, rules);
      expect(map.permissionFor(wanted)).toBe(rules.find((each) => topicMatches(each.pattern, wanted))?.permission);
      const under = rules.filter((each) => patternsOverlap(each.pattern, eventTypeOf(topic)));
      expect(map.permissionsUnder(topic, WITHOUT_BOUND)).toEqual(under.map(({ permission }) => permission));
    }),
    { numRuns: 500 },
  );
});

test("rules of a version that changes none of them are the same edition, and those of an older version are passed over", () => {
  const map = new EventMap();
  const rules = (permission: string) => [{ pattern: "order.*", permission }];
  map.learn({ number: 2, build: "a" }, rules("order:read"));
  const first = map.edition;
  map.learn({ number: 3, build: "b" }, rules("order:read"));
  map.learn({ number: 1, build: "c" }, rules("old:read"));
  expect([map.edition, map.version?.number]).toEqual([first, 3]);
  map.learn({ number: 4, build: "d" }, rules("other:read"));
  expect([map.edition > first, map.permissionFor("order.created")]).toEqual([true, "other:read"]);
});
