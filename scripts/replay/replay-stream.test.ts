import { expect, test } from "vitest";
import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import type { LogEntry } from "../../services/stream/event.ts";
import { type Moment, replayStream } from "./replay-stream.ts";

const common = { tenant: "demo", subject: "alice", connectionId: "c1" };
const opened: ConnectionEntry = {
  ...common,
  event: "opened",
  at: "2026-01-01T00:00:00.000Z",
  sid: "s",
  requestId: "r",
  address: "127.0.0.1",
  topics: [{ topic: "order.>", granted: true }],
  from: "epoch-of-demo.1.x",
  isResumed: false,
};
const changed: ConnectionEntry = {
  ...common,
  event: "changed",
  at: "2026-01-01T00:00:03.000Z",
  topics: [{ topic: "note.>", granted: true }],
  from: "epoch-of-demo.4.x",
};
const ended: ConnectionEntry = {
  ...common,
  event: "ended",
  at: "2026-01-01T00:00:09.000Z",
  reason: "gone",
  openedAt: "2026-01-01T00:00:00.000Z",
  through: "epoch-of-demo.7.x",
  events: 2,
  bytes: 99,
};

const eventAt = (seq: number, topic: string) => ({
  seq,
  storedAt: new Date(`2026-01-01T00:00:0${seq}.000Z`),
  entry: { kind: "event", position: { seq, tag: "x" }, topic } as LogEntry,
  traceId: undefined,
});
const control = { kind: "control", position: { seq: 3, tag: "x" }, change: { of: "unknown" } } as LogEntry;
const LOG = [
  eventAt(2, "order.created.1"),
  { ...eventAt(3, ""), entry: control },
  eventAt(4, "order.hidden.1"),
  eventAt(5, "order.created.2"),
  eventAt(6, "note.made.1"),
  eventAt(7, "other.made.1"),
];

async function replay(entries: ConnectionEntry[]): Promise<(string | undefined)[][]> {
  const asked: number[] = [];
  const moments: Moment[] = [];
  const read = async function* (after: number, to: number) {
    asked.push(after, to);
    yield* LOG;
  };
  const decide = async (seq: number) => ({ allow: seq !== 4, because: `by rule ${seq}` });
  for await (const moment of replayStream({ entries }, { read, decide })) moments.push(moment);
  expect(asked).toEqual([1, 7]);
  return moments.map(({ what, topic, why }) => [what, topic, why]);
}

test("a stream is told what it was sent and what was kept back, with changes of topics and rights at their places", async () => {
  expect(await replay([opened, changed, ended])).toEqual([
    ["opened", undefined, "alice from 127.0.0.1 by -, from epoch-of-demo.1.x on: order.>; request r"],
    ["sent", "order.created.1", "by rule 2"],
    ["rights", undefined, "entry 3 of the log: unknown"],
    ["withheld", "order.hidden.1", "by rule 4"],
    ["changed", undefined, "topics note.>"],
    ["sent", "note.made.1", "by rule 6"],
    ["ended", undefined, "gone after 9.0 s: 2 events, 99 bytes"],
  ]);
});

test("nothing is told of a stream whose beginning is not kept", async () => {
  await expect(replay([ended])).rejects.toThrow("does not keep how this stream began");
});
