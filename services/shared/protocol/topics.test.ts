import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  eventTypeOf,
  intersectPatterns,
  isTopic,
  isTopicPattern,
  patternCovers,
  patternsOverlap,
  topicMatches,
} from "./topics.ts";

/** Every topic of one to five tokens over two names: enough to tell any two patterns of up to four tokens apart. */
const TOPICS = (() => {
  const byLength: string[][] = [["a", "b"]];
  for (let length = 2; length <= 5; length += 1) {
    byLength.push((byLength.at(-1) ?? []).flatMap((topic) => [`${topic}.a`, `${topic}.b`]));
  }
  return byLength.flat();
})();

const token = fc.constantFrom("a", "b", "*");
const pattern = fc
  .tuple(fc.array(token, { maxLength: 3 }), fc.constantFrom("a", "b", "*", ">"))
  .map(([tokens, last]) => [...tokens, last].join("."));

/** Three tokens of 767 characters, and one of 768. */
const longest = `${`${"x".repeat(767)}.`.repeat(3)}${"x".repeat(768)}`;

describe("a topic", () => {
  test.each([
    "order.created",
    "order.created.42",
    "A-z_0.9",
    "a.b.c.d.e.f.g.h",
    "order.created.jane%40acme%2Ecom",
    "%C3%A9.%25",
    `${"x".repeat(768)}.y`,
    `y.${"%C3%A9".repeat(128)}`,
    longest,
  ])("may be %s", (topic) => expect(isTopic(topic)).toBe(true));

  test.each([
    "",
    "order",
    "order.",
    ".order.created",
    "order..created",
    "order.*",
    "order.>",
    "order.cre ated",
    "order.cre\0ated",
    "order.created\n",
    "örder.created",
    "a.b.c.d.e.f.g.h.i",
    `${"x".repeat(769)}.y`,
    `${longest}x`,
    "order.%61",
    "order.%2D",
    "order.%c3%a9",
    "order.%C3",
    "order.%C0%AF",
    "order.%ED%A0%80",
    "order.e%CC%81",
    "order.%00",
    "order.%C2%85",
    "order.%2",
    "order.%",
    "order.a@b",
  ])("is never %j", (topic) => expect(isTopic(topic)).toBe(false));

  test("has its first two tokens as its event type", () => {
    expect(eventTypeOf("order.created")).toBe("order.created");
    expect(eventTypeOf("order.created.42.de")).toBe("order.created");
  });
});

describe("a topic pattern", () => {
  test.each([
    "order.*.jane%40acme%2Ecom",
    "*.%2A",
    "*.%3E",
    "order.created",
    "*.*",
    ">",
    "order.>",
    "*.created.>",
    "a.b.c.d.e.f.g.h",
    "a.b.c.d.e.f.g.>",
  ])("may be %s", (each) => expect(isTopicPattern(each)).toBe(true));

  test.each([
    "",
    "*",
    "order",
    "order.>.created",
    ">.created",
    "order.cre*",
    "order.>>",
    ".order.>",
    "order..>",
    "a.b.c.d.e.f.g.h.i",
    "a.b.c.d.e.f.g.h.>",
    `${"x".repeat(769)}.>`,
    "order.%61.>",
    "*.%c3%a9",
    "order.%2A%",
    "x".repeat(4_096),
  ])("is never %j", (each) => expect(isTopicPattern(each)).toBe(false));
});

describe("matching", () => {
  test.each([
    ["order.created", "order.created", true],
    ["order.created", "order.created.42", false],
    ["order.created.42", "order.created", false],
    ["order.*", "order.created", true],
    ["order.*", "order.created.42", false],
    ["order.*.42", "order.created.42", true],
    ["order.>", "order", false],
    ["order.>", "order.created", true],
    ["order.>", "order.created.42.de", true],
    [">", "order.created", true],
    ["*.created.>", "order.created", false],
  ])("%s against %s is %s", (wanted, topic, matches) => {
    expect(topicMatches(wanted, topic)).toBe(matches);
  });
});

describe("two patterns", () => {
  test("overlap exactly when some topic matches both", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const shared = TOPICS.some((topic) => topicMatches(a, topic) && topicMatches(b, topic));
        expect(patternsOverlap(a, b)).toBe(shared);
        expect(patternsOverlap(b, a)).toBe(shared);
      }),
      { numRuns: 2_000 },
    );
  });

  test("cover each other exactly when every topic of the inner one matches the outer one", () => {
    fc.assert(
      fc.property(pattern, pattern, (outer, inner) => {
        const all = TOPICS.filter((topic) => topicMatches(inner, topic)).every((topic) => topicMatches(outer, topic));
        // A name that stands in neither pattern: what covers by naming all of a two-letter alphabet does not cover it.
        const fresh = inner.replaceAll("*", "z").replace(">", "z.z.z.z.z");
        expect(patternCovers(outer, inner)).toBe(all && topicMatches(outer, fresh));
      }),
      { numRuns: 2_000 },
    );
  });

  test("have a pattern of the topics that match both, where there are any", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const both = intersectPatterns(a, b);
        const matching = TOPICS.filter((topic) => topicMatches(a, topic) && topicMatches(b, topic));
        expect(TOPICS.filter((topic) => both !== undefined && topicMatches(both, topic))).toEqual(matching);
        const covering = [a, b].filter((each) => both === undefined || patternCovers(each, both));
        expect(covering).toEqual([a, b]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that cover each other overlap", () => {
    fc.assert(
      fc.property(pattern, pattern, (outer, inner) => {
        fc.pre(patternCovers(outer, inner));
        expect(patternsOverlap(outer, inner)).toBe(true);
      }),
    );
  });
});
