import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { topicMatches } from "#shared/protocol/topics.ts";
import { TopicIndex } from "./topic-index.ts";

const token = fc.constantFrom("a", "b", "c");
const topic = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 4 }), fc.constantFrom("a", "b", "*", ">"))
  .map(([tokens, last]) => [...tokens, last].join("."));
const patterns = fc.array(pattern, { minLength: 1, maxLength: 4 });

describe("an index of topics", () => {
  test("finds exactly the values one of whose patterns matches, each once, also after some were removed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ patterns, removed: fc.boolean() }), { maxLength: 12 }),
        fc.array(topic, { minLength: 1, maxLength: 10 }),
        (values, topics) => {
          const index = new TopicIndex<object>();
          for (const value of values) index.add(value.patterns, value);
          expectExact(index, values, topics);
          for (const value of values) if (value.removed) index.remove(value.patterns, value);
          const left = values.filter(({ removed }) => !removed);
          expectExact(index, left, topics);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("finds nothing where it holds nothing", () => {
    const index = new TopicIndex<string>();
    expect(index.match("order.created")).toEqual([]);
    index.add(["order.>", "order.*"], "x");
    index.remove(["order.>", "order.*"], "x");
    expect(index.match("order.created")).toEqual([]);
  });

  test("answers a topic it has seen by what is true now", () => {
    const index = new TopicIndex<string>();
    index.add(["order.*"], "first");
    expect(index.match("order.created")).toEqual(["first"]);
    index.add([">"], "second");
    expect(new Set(index.match("order.created"))).toEqual(new Set(["first", "second"]));
    index.remove(["order.*"], "first");
    expect(index.match("order.created")).toEqual(["second"]);
  });

  test("removes one value and leaves another under the same pattern", () => {
    const index = new TopicIndex<string>();
    index.add(["order.created"], "first");
    index.add(["order.created"], "second");
    index.remove(["order.created"], "first");
    expect(index.match("order.created")).toEqual(["second"]);
  });

  test("does not mind the removal of what it never held", () => {
    const index = new TopicIndex<string>();
    index.add(["order.created"], "first");
    index.remove(["order.created.>", "push.*", "order.created"], "other");
    expect(index.match("order.created")).toEqual(["first"]);
  });

  test("finds a value by each of all shapes that a pattern of eight tokens may have, and forgets them all", () => {
    const eight = "a.b.c.d.e.f.g.h";
    const index = new TopicIndex<object>();
    const values = patternsOf(eight).map((text) => ({ text }));
    for (const value of values) index.add([value.text], value);
    expect(values).toHaveLength(511);
    expect(new Set(index.match(eight))).toEqual(new Set(values));
    for (const value of values) index.remove([value.text], value);
    expect(index.match(eight)).toEqual([]);
  });

  test("takes tokens that are names of an object's own parts for what they are", () => {
    const index = new TopicIndex<string>();
    index.add(["constructor.__proto__"], "x");
    expect(index.match("constructor.__proto__")).toEqual(["x"]);
    expect(index.match("toString.valueOf")).toEqual([]);
  });
});

/** Every pattern that matches the topic. */
function patternsOf(text: string): string[] {
  const tokens = text.split(".");
  const ways = (count: number): string[][] =>
    count === 0
      ? [[]]
      : ways(count - 1).flatMap((way) => [
          [...way, tokens[count - 1] ?? ""],
          [...way, "*"],
        ]);
  const open = tokens.flatMap((_, count) => ways(count).map((way) => [...way, ">"]));
  return [...ways(tokens.length), ...open].map((way) => way.join("."));
}

function expectExact(
  index: TopicIndex<object>,
  values: readonly { readonly patterns: readonly string[] }[],
  topics: readonly string[],
): void {
  for (const each of topics) {
    const found = index.match(each);
    expect(new Set(found).size).toBe(found.length);
    const wanted = values.filter((value) => value.patterns.some((wide) => topicMatches(wide, each)));
    expect(new Set(found)).toEqual(new Set(wanted));
  }
}
