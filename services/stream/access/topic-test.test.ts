import { assert, constantFrom, property, array } from "fast-check";
import { test } from "vitest";
import { topicMatches } from "#shared/protocol/topics.ts";
import { createTopicTest } from "./topic-test.ts";

const token = constantFrom("a", "b", "ab", "%2E");
const topic = array(token, { minLength: 2, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = array(constantFrom("a", "b", "ab", "%2E", "*"), { minLength: 1, maxLength: 3 }).chain((tokens) =>
  constantFrom(tokens.join("."), [...tokens, ">"].join(".")),
);

test("a topic is asked for exactly where one of the patterns matches it", () => {
  assert(
    property(array(pattern, { maxLength: 5 }), topic, (patterns, asked) => {
      const expected = patterns.some((each) => topicMatches(each, asked));
      return createTopicTest(patterns)(asked) === expected;
    }),
    { numRuns: 2_000 },
  );
});
