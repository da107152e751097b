import { expect, test } from "vitest";
import { dueTopics } from "./late-topics.ts";
import { parseTopicChange } from "./parse-topic-change.ts";
import { StreamTopics, type TopicChange } from "./stream-topics.ts";

const base = new StreamTopics(new Set(["order.a", "order.b"]));

/** The topics after changes, each with the position behind which it counts. */
function after(...changes: readonly (Partial<TopicChange> & { from: string })[]): StreamTopics {
  return changes.reduce((topics, { add = [], remove = [], from }) => {
    const planned = topics.plan({ add, remove });
    return planned === undefined ? topics : topics.after(planned, from);
  }, base);
}

test("a change adds and removes, and what it repeats changes nothing", () => {
  const topics = after({ add: ["order.c", "order.a"], remove: ["order.b", "order.z"], from: "epoch123.5.t" });
  expect(topics.all).toEqual(["order.a", "order.c"]);
  expect(topics.plan({ add: ["order.c", "order.c"], remove: ["order.b"] })).toBeUndefined();
  expect([...topics.added]).toEqual([["order.c", "epoch123.5.t"]]);
});

test("a topic that was removed and added again counts from then on, also one of the URL", () => {
  const topics = after({ remove: ["order.a"], from: "epoch123.5.t" }, { add: ["order.a"], from: "epoch123.9.t" });
  expect(topics.all).toEqual(["order.a", "order.b"]);
  expect(topics.latestOf(["order.a", "order.b"])).toBe("epoch123.9.t");
  expect(topics.latestOf(["order.b"])).toBeUndefined();
});

test("what is kept of each change leads to the same topics as all of them", () => {
  const steps = [
    { add: ["order.c"], remove: ["order.a"], from: "epoch123.1.t" },
    { add: ["order.a"], remove: ["order.c", "order.b"], from: "epoch123.2.t" },
    { add: ["order.d"], remove: ["order.a"], from: "epoch123.3.t" },
  ];
  const fields = new Map<string, string>();
  let topics = base;
  for (const { from, ...change } of steps) {
    const planned = topics.plan(change);
    if (planned === undefined) throw new Error("nothing changes");
    const { added, removed, reset } = topics.keptChange(planned, from);
    for (const topic of reset) for (const sign of ["+", "-"]) fields.delete(sign + topic);
    for (const [topic, id] of added) fields.set(`+${topic}`, id);
    for (const topic of removed) fields.set(`-${topic}`, "");
    topics = topics.after(planned, from);
    const { added: all, removed: gone } = topics.keptWhole;
    const whole = [...[...all].map(([topic, id]) => [`+${topic}`, id]), ...[...gone].map((topic) => [`-${topic}`, ""])];
    expect(Object.fromEntries(fields)).toEqual(Object.fromEntries(whole));
  }
  expect(topics.all).toEqual(["order.d"]);
  const { topics: all } = topics.plan(topics.reset) ?? {};
  expect(all).toEqual(["order.a", "order.b"]);
});

test("topics may have 32 768 characters together, and not one more", () => {
  const long = (count: number, last: number): string[] =>
    Array.from({ length: count }, (_, index) => `${index}.`.padEnd(index === count - 1 ? last : 3_000, "x"));
  const empty = new StreamTopics(new Set());
  expect(empty.plan({ add: long(11, 2_768), remove: [] })?.topics).toHaveLength(11);
  expect(() => empty.plan({ add: long(11, 2_769), remove: [] })).toThrow("32769 characters");
});

test("a topic is late up to the position behind which it counts", () => {
  const late = new Map([
    ["order.b", 5],
    ["order.c", 9],
  ]);
  const topics = ["order.a", "order.b", "order.c"];
  expect(dueTopics(topics, late, 4)).toEqual({ topics: ["order.a"], through: 5 });
  expect(dueTopics(topics, late, 5)).toEqual({ topics: ["order.a", "order.b"], through: 9 });
  expect(dueTopics(topics, late, 9)).toEqual({ topics, through: Number.POSITIVE_INFINITY });
  expect(dueTopics(topics, undefined, 0).topics).toBe(topics);
});

test("a list of a change may have 100 topics, each a pattern, and none in both lists", () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `order.k${index}`);
  expect(parseTopicChange({ add: many(100), remove: [] }).add).toHaveLength(100);
  for (const [change, message] of [
    [{ add: many(101), remove: [] }, '"add" has 101 topics'],
    [{ add: [], remove: ["order.a", "<script>"] }, '"remove": topic 2 is not'],
    [{ add: ["order.b", "order.a"], remove: ["order.a"] }, '"add": topic 2 is in "remove"'],
  ] as const) {
    expect(() => parseTopicChange(change)).toThrow(message);
  }
});
