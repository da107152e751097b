import { expect, test } from "vitest";
import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import type { LogEntry } from "../../services/stream/event.ts";
import type { ReadEntry } from "./read-entries.ts";
import { replayTrace, type TraceMoment } from "./replay-trace.ts";

const AT = "2026-01-01T00:00:00.000Z";

function opened(connectionId: string, subject: string, from: number, topic = "order.>"): ConnectionEntry {
  const common = { tenant: "demo", subject, connectionId, at: AT };
  const topics = [{ topic, granted: true }];
  const request = { sid: "s", requestId: "r", address: "127.0.0.1" };
  return { event: "opened", ...common, ...request, topics, from: `epoch-of-demo.${from}.x`, isResumed: false };
}

function ended(connectionId: string, subject: string, through: number): ConnectionEntry {
  const common = { tenant: "demo", subject, connectionId, at: AT, openedAt: AT };
  return { event: "ended", ...common, reason: "gone", through: `epoch-of-demo.${through}.x`, events: 1, bytes: 1 };
}

function changed(connectionId: string, subject: string, from: number, topic: string): ConnectionEntry {
  const common = { tenant: "demo", subject, connectionId, at: AT };
  return { event: "changed", ...common, topics: [{ topic, granted: true }], from: `epoch-of-demo.${from}.x` };
}

async function* eventsAt(...seqs: number[]): AsyncGenerator<ReadEntry> {
  for (const seq of seqs) {
    const entry = { kind: "event", position: { seq, tag: "x" }, topic: "order.created.1" } as LogEntry;
    yield { seq, storedAt: new Date(AT), entry, traceId: undefined };
  }
}

async function replay(entries: readonly ConnectionEntry[], ...seqs: number[]) {
  const asked: [string, number][] = [];
  const moments: TraceMoment[] = [];
  const decide = async (subject: string, seq: number) => {
    asked.push([subject, seq]);
    return { allow: subject === "eve" ? undefined : subject !== "mallory", because: `as ${subject}` };
  };
  for await (const moment of replayTrace(entries, { events: eventsAt(...seqs), decide })) moments.push(moment);
  return { asked, moments: moments.map(({ seq, what, connectionId, why }) => [seq, what, connectionId, why]) };
}

test("an event is told with each stream that had asked for it, and why it was sent there or kept back", async () => {
  const entries = [
    opened("a1", "alice", 1),
    opened("a2", "alice", 4),
    opened("m", "mallory", 1),
    opened("e", "eve", 1, "*.created.1"),
    opened("late", "bob", 5),
    opened("other", "bob", 1, "note.>"),
    opened("gone", "bob", 1),
    ended("gone", "bob", 4),
    ended("unknown-beginning", "bob", 9),
  ];
  const { asked, moments } = await replay(entries, 5);
  expect(moments).toEqual([
    [5, "stored", undefined, "in the tenant's log"],
    [5, "sent", "a1", "as alice"],
    [5, "sent", "a2", "as alice"],
    [5, "withheld", "m", "as mallory"],
    [5, "perhaps", "e", "as eve"],
  ]);
  expect(asked).toEqual([
    ["alice", 5],
    ["mallory", 5],
    ["eve", 5],
  ]);
});

test("of a person without such a stream it is told whether they may see the event", async () => {
  const moments: TraceMoment[] = [];
  const decide = async () => ({ allow: false, because: "no rule" });
  for await (const moment of replayTrace([], { events: eventsAt(2), decide, about: "bob" })) moments.push(moment);
  expect(moments.at(-1)).toMatchObject({
    what: "nobody",
    subject: "bob",
    why: "no stream that is kept had asked for its topic; they may not see it: no rule",
  });
});

test("topics count from the place on at which they were changed, and up to the last place that was served", async () => {
  const entries = [opened("c", "alice", 1, "note.>"), changed("c", "alice", 3, "order.>"), ended("c", "alice", 5)];
  const { moments } = await replay(entries, 3, 4, 5, 6);
  expect(moments.filter(([, what]) => what !== "stored").map(([seq, what]) => [seq, what])).toEqual([
    [3, "nobody"],
    [4, "sent"],
    [5, "sent"],
    [6, "nobody"],
  ]);
});

test("of more than a hundred streams the rest are counted", async () => {
  const entries = Array.from({ length: 101 }, (_, index) => opened(`c${index}`, "alice", 1));
  const { moments, asked } = await replay(entries, 2);
  expect(moments).toHaveLength(102);
  expect(moments.at(-1)).toEqual([2, "more", undefined, "1 more streams had asked for its topic"]);
  expect(asked).toHaveLength(1);
  expect((await replay(entries.slice(1), 2)).moments.at(-1)).toEqual([2, "sent", "c100", "as alice"]);
});
