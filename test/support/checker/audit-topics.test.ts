import { expect, test } from "vitest";
import { type Account, emptyAccount } from "./account.ts";
import { audit } from "./audit.ts";
import type { Entry } from "./ledger.ts";

/** Events of two topics, alternating: `a` has odd sequences, `b` even ones. */
const PUBLISHED = [1, 2, 3, 4, 5, 6].flatMap((sequence): Entry[] => [
  { of: "published", tenant: "demo", topic: topicOf(sequence), text: `${sequence}`, at: sequence },
  { of: "acknowledged", text: `${sequence}`, sequence, at: sequence },
]);

const START: readonly Entry[] = [
  { of: "topics", client: "me", topics: ["x.a"] },
  { of: "opened", client: "me", tenant: "demo", connection: "1", at: 0 },
  said("ready", ["x.a"]),
];

const ADDED: readonly Entry[] = [
  { of: "asked", client: "me", add: ["x.b"], remove: [] },
  said("subscription", ["x.a", "x.b"], 3),
  { of: "answered", client: "me", outcome: "done", topics: ["x.a", "x.b"], effectiveFrom: "epoch.3.t" },
];

const AGAIN: Entry = { of: "opened", client: "me", tenant: "demo", connection: "2", after: "epoch.3.t", at: 50 };

test.each<[string, Partial<Account>, readonly Entry[]]>([
  ["what was added and removed is told exactly", {}, [...events(1, 3), ...ADDED, ...events(4, 5, 6)]],
  ["an event behind the position of its topic is missing", { lost: 1 }, [...events(1, 3), ...ADDED, ...events(5, 6)]],
  ["one before it comes", { early: 1 }, [...events(1), ...ADDED, ...events(2, 3, 4, 5, 6)]],
  [
    "one of a removed topic comes",
    { late: 1 },
    [...events(1), said("subscription", ["x.b"], 1), ...events(2, 3, 4, 6)],
  ],
  [
    "one of a topic that stays is missing",
    { lost: 1 },
    [...events(1), said("subscription", ["x.a", "x.b"], 3), ...events(4, 5, 6)],
  ],
  [
    "an answered change comes back",
    {},
    [...events(1, 3), ...ADDED, AGAIN, said("ready", ["x.a", "x.b"], 3), ...events(4, 5, 6)],
  ],
  [
    "an answered change does not come back",
    { unkept: 1 },
    [...events(1, 3), ...ADDED, AGAIN, said("ready", ["x.a"], 3), ...events(5)],
  ],
  [
    "a change that nobody has answered may come back or not",
    {},
    [
      ...events(1, 3),
      { of: "asked", client: "me", add: ["x.b"], remove: [] },
      { of: "answered", client: "me", outcome: "unknown" },
      AGAIN,
      said("ready", ["x.a", "x.b"], 3),
      ...events(4, 5, 6),
    ],
  ],
  [
    "a change is answered after the next stream has begun without it",
    { unkept: 1 },
    [...events(1, 3), ...ADDED.slice(0, 1), AGAIN, said("ready", ["x.a"], 3), ...ADDED.slice(2), ...events(5)],
  ],
])("of topics is counted: %s", (_, wrong, entries) => {
  const { early, late, lost, unkept } = audit([...PUBLISHED, ...START, ...entries]);
  const none = emptyAccount();
  const expected = { early: none.early, late: none.late, lost: none.lost, unkept: none.unkept, ...wrong };
  expect({ early, late, lost, unkept }).toEqual(expected);
});

function topicOf(sequence: number): string {
  return sequence % 2 === 1 ? "x.a" : "x.b";
}

function events(...sequences: readonly number[]): Entry[] {
  return sequences.map((sequence) => received("message", `${sequence}`, sequence));
}

/** A frame that tells the topics, with the position behind which they count. */
function said(event: "ready" | "subscription", topics: readonly string[], sequence = 0): Entry {
  const data = { topics: topics.map((topic) => ({ topic, granted: true })), effectiveFrom: `epoch.${sequence}.t` };
  return received(event, JSON.stringify(data), event === "ready" ? sequence : undefined);
}

function received(event: string, text: string, sequence: number | undefined): Entry {
  const id = sequence === undefined ? undefined : `epoch.${sequence}.t`;
  return { of: "received", client: "me", connection: "1", event, id, text, at: 10 + (sequence ?? 0) };
}
