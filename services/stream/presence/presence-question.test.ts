import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ListenerList } from "./listener-list.ts";
import {
  MAX_TOPICS_LISTED,
  mergeAnswers,
  type PresenceAnswer,
  type PresenceFound,
  type PresenceQuestion,
} from "./presence-question.ts";

/** A connection: its person, and since when it is open. */
type Connection = readonly [subject: string, sinceMs: number];

const QUESTION: PresenceQuestion = { tenant: "acme", topic: "order.>", wants: "people", after: "", limit: 3 };

function answerOf(
  question: PresenceQuestion,
  connections: readonly Connection[],
  topics: readonly string[] = [],
): PresenceAnswer {
  const list = new ListenerList(question);
  for (const [subject, sinceMs] of connections) list.add(subject, sinceMs, topics);
  return list.answer();
}

/** What all workers find together. */
function findIn(workers: readonly (readonly Connection[])[], change: Partial<PresenceQuestion> = {}): PresenceFound {
  const question = { ...QUESTION, ...change };
  return mergeAnswers(
    question,
    workers.map((connections) => answerOf(question, connections)),
  );
}

describe("the people of all workers", () => {
  test("are counted once each, with the connections that they have anywhere, since the oldest", () => {
    const { people } = findIn([
      [
        ["bob", 5],
        ["ann", 9],
        ["ann", 7],
      ],
      [
        ["ann", 3],
        ["cy", 1],
      ],
    ]);
    expect(people).toEqual([
      { subject: "ann", sinceMs: 3, devices: 3 },
      { subject: "bob", sinceMs: 5, devices: 1 },
      { subject: "cy", sinceMs: 1, devices: 1 },
    ]);
  });

  test("are named up to the limit; one more, on whichever worker, is said to be there", () => {
    const three: Connection[] = [
      ["a", 1],
      ["b", 1],
      ["c", 1],
    ];
    expect(findIn([three, three])).toMatchObject({ hasMore: false });
    expect(findIn([three, [["d", 1]]])).toMatchObject({ hasMore: true });
    expect(findIn([three, [["d", 1]]]).people.map(({ subject }) => subject)).toEqual(["a", "b", "c"]);
  });

  test("come page by page as they come at once, however they are spread", () => {
    const name = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz".split(""), "ä", "日本", "A b", "\u{1F600}");
    const workers = fc.array(fc.array(fc.tuple(name, fc.nat(9)), { maxLength: 60 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(workers, fc.integer({ min: 1, max: 5 }), (connections, limit) => {
        const all = findIn(connections, { limit: 500 }).people;
        const paged = [];
        for (let after = ""; ;) {
          const { people, hasMore } = findIn(connections, { limit, after });
          paged.push(...people);
          if (!hasMore) break;
          after = people.at(-1)?.subject ?? "";
        }
        expect(paged).toEqual(all);
      }),
    );
  });
});

test("a count counts a person on two workers once, and every connection", () => {
  const { count, people } = findIn(
    [
      [
        ["ann", 1],
        ["bob", 1],
      ],
      [
        ["ann", 1],
        ["ann", 1],
      ],
    ],
    { wants: "count", limit: 0 },
  );
  expect([count, people]).toEqual([{ people: 2, devices: 4 }, []]);
});

test("topics are those of every worker, each once; with one more than an answer may name it says so", () => {
  const question: PresenceQuestion = { ...QUESTION, wants: "topics", limit: 1 };
  const two = [answerOf(question, [["ann", 1]], ["b.*", "a.*"]), answerOf(question, [["ann", 1]], ["b.*"])];
  expect(mergeAnswers(question, two)).toMatchObject({ topics: ["a.*", "b.*"], hasMore: false });
  const many = Array.from({ length: MAX_TOPICS_LISTED }, (_, index) => `order.t${index}`);
  expect(answerOf(question, [["ann", 1]], many)).toMatchObject({ topics: many, hasMore: false });
  expect(answerOf(question, [["ann", 1]], [...many, "order.more"])).toMatchObject({ topics: many, hasMore: true });
  expect(
    answerOf(
      question,
      [["ann", 1]],
      Array.from({ length: 90 }, (_, index) => `order.${index}.${"x".repeat(3_000)}`),
    ),
  ).toMatchObject({ hasMore: true });
});
