import { describe, expect, test } from "vitest";
import { concernedStreams, judgeStream } from "./judge-stream.ts";
import { type Place, StreamTraces } from "./trace-streams.ts";
import { openConnection } from "#test/rigs/open-connection.ts";

const EPOCH = "epoch-of-log";
const place: Place = { epoch: EPOCH, seq: 50, storedAt: Date.parse("2026-01-01T12:00:00Z"), topic: "order.created.1" };
const id = (seq: number, epoch = EPOCH) => `${epoch}.${seq}.0`;
const common = { tenant: "acme", subject: "ann", connectionId: "c1" };
const topics = [
  { topic: "order.*.2", granted: true },
  { topic: "order.>", granted: false },
  { topic: "*.created.*", granted: true },
];

const opened = (from: string, at = "2026-01-01T11:00:00Z") =>
  ({
    event: "opened",
    ...common,
    at,
    sid: "s1",
    requestId: "r1",
    address: "127.0.0.1",
    topics,
    from,
    transport: undefined,
    isResumed: false,
  }) as const;
const ended = (through: string, reason = "gone", at = "2026-01-01T13:00:00Z") =>
  ({ event: "ended", ...common, at, reason, openedAt: "2026-01-01T11:00:00Z", through, events: 0, bytes: 0 }) as const;

function trace(...entries: Parameters<StreamTraces["note"]>[0][]) {
  const traces = new StreamTraces(place);
  for (const entry of entries) traces.note(entry);
  return traces.all()[0]!;
}

describe("a stream", () => {
  test.each([
    ["past", [opened(id(49)), ended(id(50))]],
    ["cut", [opened(id(49)), ended(id(49))]],
    ["short", [opened(id(1)), ended(id(49), "gone", "2026-01-01T11:30:00Z")]],
    ["later", [opened(id(50)), ended(id(60))]],
    ["unknown", [opened(id(49))]],
    ["unknown", [opened(id(49)), ended(id(60, "another-log1"))]],
    ["past", [opened(id(40), "2026-01-01T12:30:00Z"), ended(id(50))]],
    ["past", [ended(id(50))]],
    ["unknown", [opened(id(9, "another-log1"), "2026-01-01T12:30:00Z"), ended(id(50))]],
  ] as const)("is %s by its places in the log", (standing, entries) => {
    expect(judgeStream(trace(...entries), place)).toBe(standing);
  });

  test("that an edge has open is past the event, or behind it", () => {
    const open = (lastId: string) => {
      const traces = new StreamTraces(place);
      traces.note(opened(id(49)));
      traces.noteOpen(openConnection({ id: "c1", lastId, horizon: id(60) }));
      return judgeStream(traces.all()[0]!, place);
    };
    expect([open(id(50)), open(id(49)), open(id(50, "another-log1"))]).toEqual(["past", "behind", "unknown"]);
  });

  test("hears an event by a topic that is granted before one that is not, and by those of then", () => {
    expect(trace(opened(id(1))).heard?.match).toEqual({ topic: "*.created.*", granted: true });
    const at = "2026-01-01T11:30:00Z";
    const change = (from: string) => ({ event: "changed" as const, ...common, at, topics: [], from });
    expect(trace(opened(id(1)), change(id(49))).heard?.match).toBeUndefined();
    expect(trace(opened(id(1)), change(id(50))).heard?.match).toBeDefined();
    const full = { ...opened(id(1)), topics: [{ topic: "a.b", granted: true }], topicsLeftOut: 1 };
    expect(trace(full).heard).toBeUndefined();
  });
});

test("what an edge writes of streams cannot reach a terminal", () => {
  const escape = "\u001b[2J";
  const lying = { ...opened(id(1)), topics: [{ topic: `a.${escape}`, granted: true }] };
  const { heard, end } = trace(lying, ended(id(50), `gone${escape}`));
  expect(heard).toEqual({ match: undefined, some: [], count: 0 });
  expect(end).toMatchObject({ reason: "unknown" });
});

test("the last stream before the event concerns it only where its session ended it", () => {
  const judged = (reason: string) => [
    { trace: trace(opened(id(1)), ended(id(40), reason, "2026-01-01T11:30:00Z")), standing: "short" as const },
  ];
  expect(concernedStreams(judged("revoked"), place)).toMatchObject([{ standing: "cut" }]);
  expect(concernedStreams(judged("gone"), place)).toEqual([]);
});
