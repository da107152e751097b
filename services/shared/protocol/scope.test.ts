import { describe, expect, test } from "vitest";
import { parseScope, scopeCovers, topicsWithin } from "./scope.ts";

test("a scope is a list of permissions, each possibly limited to topics", () => {
  expect(parseScope("order:read invoice:*@invoice.*.42")).toEqual([
    { permission: "order:read", topics: ">" },
    { permission: "invoice:*", topics: "invoice.*.42" },
  ]);
});

test.each([
  ["", "empty"],
  ["order", "one token"],
  ["openid profile", "another protocol's scopes"],
  ["order:read  order:write", "two spaces"],
  [" order:read", "a leading space"],
  ["order:read@", "an empty topic"],
  ["order:read@order", "a topic of one token"],
  ["order:read@order.>@x", "two topics"],
  ["order:read@order.{sub}", "a placeholder"],
  ['order:read"', "a quotation mark"],
  [Array.from({ length: 33 }, (_, index) => `order:read${index}`).join(" "), "33 entries"],
  [`order:${"a".repeat(60)} `.repeat(32).trim(), "more than 2 048 characters"],
])("%j is no scope: %s", (text) => expect(parseScope(text)).toBeUndefined());

describe("a scope covers another", () => {
  const covers = (outer: string, inner: string): boolean => scopeCovers(parseScope(outer)!, parseScope(inner)!);

  test.each([
    ["order:read", "order:read"],
    ["order:*", "order:read"],
    ["order:*", "order:read:draft order:read"],
    ["*:*", "order:read"],
    ["order:read", "order:read@order.>"],
    ["order:read@order.>", "order:read@order.*.42"],
    ["a:b c:d", "c:d a:b"],
  ])("%s covers %s", (outer, inner) => expect(covers(outer, inner)).toBe(true));

  test.each([
    ["order:read", "order:*"],
    ["order:read", "order:write"],
    ["order:read", "order:read invoice:read"],
    ["order:read@order.>", "order:read"],
    ["order:read@order.*.42", "order:read@order.*.43"],
    ["order:read@order.a.> order:read@order.b.>", "order:read@order.>"],
  ])("%s does not cover %s", (outer, inner) => expect(covers(outer, inner)).toBe(false));
});

test("a scope limits a permission to the topics of the entries that name it", () => {
  const scope = parseScope("order:read@order.a.> order:*@order.b.> invoice:read")!;
  expect(topicsWithin(scope, "order:read")).toEqual(["order.a.>", "order.b.>"]);
  expect(topicsWithin(scope, "order:write")).toEqual(["order.b.>"]);
  expect(topicsWithin(scope, "invoice:read")).toEqual([">"]);
  expect(topicsWithin(scope, "invoice:write")).toEqual([]);
});
