import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { patternCovers, patternsOverlap, topicMatches } from "#shared/protocol/topics.ts";
import { type Effort, PatternTrie } from "./pattern-trie.ts";

const token = fc.constantFrom("a", "b", "c");
const topic = fc.array(token, { minLength: 1, maxLength: 5 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 4 }), fc.constantFrom("a", "b", "*", ">"))
  .map(([tokens, last]) => [...tokens, last].join("."));
const patterns = fc.array(pattern, { maxLength: 20 });

/** The places of the patterns that a walk finds, in order. */
function found(walk: (test: (place: number) => boolean) => boolean): number[] {
  const places: number[] = [];
  walk((place) => {
    places.push(place);
    return false;
  });
  return places.toSorted((a, b) => a - b);
}

function placesWhere(all: readonly string[], holds: (pattern: string) => boolean): number[] {
  return all.flatMap((each, place) => (holds(each) ? [place] : []));
}

function trieOf(all: readonly string[]): PatternTrie<number> {
  return new PatternTrie(all.map((each, place) => [each, place] as const));
}

describe("compiled patterns", () => {
  test("find for a topic what comparing each of them finds", () => {
    fc.assert(
      fc.property(patterns, topic, (all, wanted) => {
        const matching = placesWhere(all, (each) => topicMatches(each, wanted));
        expect(found((visit) => trieOf(all).someCovering(wanted, visit))).toEqual(matching);
      }),
      { numRuns: 500 },
    );
  });

  test("find for a pattern what covers it, and what overlaps with it", () => {
    fc.assert(
      fc.property(patterns, pattern, (all, wanted) => {
        const trie = trieOf(all);
        const covering = placesWhere(all, (each) => patternCovers(each, wanted));
        const overlapping = placesWhere(all, (each) => patternsOverlap(each, wanted));
        expect(found((visit) => trie.someCovering(wanted, visit))).toEqual(covering);
        expect(found((visit) => trie.someOverlapping(wanted, visit))).toEqual(overlapping);
      }),
      { numRuns: 500 },
    );
  });

  test("stop at the first value that passes the test", () => {
    const asked: number[] = [];
    const isFound = trieOf(["a.>", "a.*", "a.b"]).someCovering("a.b", (place) => asked.push(place) > 0);
    expect([isFound, asked]).toEqual([true, [0]]);
  });

  test("cost a topic the same, however many there are", () => {
    const looked = (count: number): number => {
      const effort: Effort = { left: 1_000_000 };
      const many = Array.from({ length: count }, (_, index) => `order.*.customer-${index}.line`);
      trieOf(many).someOverlapping("order.created.customer-7.none", () => true, effort);
      return 1_000_000 - effort.left;
    };
    expect(looked(10_000)).toBe(looked(10));
  });

  test("say yes where the effort is used up before the answer is certain, and no where it just suffices", () => {
    const trie = trieOf(Array.from({ length: 100 }, (_, index) => `order.created.${index}.line`));
    const isThere = (effort: Effort): boolean => trie.someOverlapping("order.created.*.none", () => true, effort);
    const whole: Effort = { left: 1_000 };
    expect(isThere(whole)).toBe(false);
    const needed = 1_000 - whole.left;
    expect(isThere({ left: needed })).toBe(false);
    expect(isThere({ left: needed - 1 })).toBe(true);
  });
});
