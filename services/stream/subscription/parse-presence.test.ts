import { expect, test } from "vitest";
import { parsePresence } from "./parse-presence.ts";
import { MAX_PRESENCE_TOPICS } from "./stream-parameters.ts";

test("a stream that does not ask watches nothing and can be seen", () => {
  expect(parsePresence([])).toEqual({ isVisible: true, topics: [] });
});

test("each topic is watched once; `none` makes invisible and goes with topics", () => {
  expect(parsePresence(["order.*.42", "order.*.42", "ticket.>"])).toEqual({
    isVisible: true,
    topics: ["order.*.42", "ticket.>"],
  });
  expect(parsePresence(["none"])).toEqual({ isVisible: false, topics: [] });
  expect(parsePresence(["order.*", "none"])).toEqual({ isVisible: false, topics: ["order.*"] });
});

test("ten topics are taken, and one more or a thousand are refused", () => {
  const topics = (count: number) => Array.from({ length: count }, (_, index) => `order.${index}`);
  expect(parsePresence(topics(MAX_PRESENCE_TOPICS)).topics).toHaveLength(MAX_PRESENCE_TOPICS);
  for (const count of [MAX_PRESENCE_TOPICS + 1, 1_000]) {
    expect(() => parsePresence(topics(count))).toThrow(expect.objectContaining({ code: "malformed_topic" }));
  }
});

test.each(["", "one", "a..b", "a.b c", "a.>.b", "NONE", "none.", `a.${"x".repeat(4_000)}`])(
  "%j is no topic",
  (text) => {
    expect(() => parsePresence([text])).toThrow(expect.objectContaining({ code: "malformed_topic" }));
  },
);
