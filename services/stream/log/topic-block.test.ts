import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstSeqOf, holeOf, type LogEntry } from "../event.ts";
import { type Slice, Tail, TailBudget } from "./tail.ts";
import { isWanted, TopicBlock, wantedTopic } from "./topic-block.ts";

const UNLIMITED = Number.MAX_SAFE_INTEGER;
const TOPICS = ["a.b", "a.b.c", "a.b.c.d", "a.bc.d", "a.c", "b.a", "b.a.c"] as const;

describe("a block", () => {
  const block = new TopicBlock([event(1, "a.b.c"), event(2, "b.a"), event(3, "a.b"), control(4), event(5, "a.b.c")]);
  const select = (...patterns: string[]): number[] => sequences(block.select(patterns.map(wantedTopic)));

  test("gives the events under a topic, and what is no event, in the log's order", () => {
    expect(select("a.b.c")).toEqual([1, 4, 5]);
    expect(select("a.*")).toEqual([3, 4]);
    expect(select("a.>")).toEqual([1, 3, 4, 5]);
    expect(select("*.a")).toEqual([2, 4]);
    expect(select("z.z")).toEqual([4]);
  });

  test("gives an event once that several patterns ask for", () => {
    expect(select("a.b.c", "a.>", "*.b.c")).toEqual([1, 3, 4, 5]);
  });
});

describe("what is wanted of a tail", () => {
  test("leaves no wanted entry out, wherever holes are, and whatever is dropped, erased or appended meanwhile", () => {
    const runs = fc.array(fc.record({ topic: fc.constantFrom(...TOPICS), hole: fc.nat(300), kind: fc.nat(40) }), {
      minLength: 200,
      maxLength: 900,
    });
    const patterns = fc.uniqueArray(fc.constantFrom(...TOPICS, "a.>", "a.*", "*.b.c", "a.b.>", ">"), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(runs, patterns, fc.nat(1_000), fc.nat(500), (made, asked, start, drops) => {
        const tail = new Tail(new TailBudget(UNLIMITED), () => 1);
        const entries = entriesOf(start, made);
        for (const entry of entries.slice(0, -50)) tail.append(entry);
        expectAllWanted(tail, asked);
        for (const entry of entries.slice(-50)) tail.append(entry);
        expectAllWanted(tail, asked);
        tail.erase(({ topic }) => topic === "a.b");
        expectAllWanted(tail, asked);
        for (let dropped = 0; dropped < drops; dropped += 1) tail.dropOldest();
        expectAllWanted(tail, asked);
      }),
      { numRuns: 30 },
    );
  });

  test("begins behind the sequence, also within a hole, and is nothing where that is not in memory", () => {
    const tail = tailOf([event(5, "a.b"), holeOf(6, 900), event(901, "a.b"), event(902, "a.c")]);
    expect(tail.wantedAfter(3, UNLIMITED, ["a.c"])).toBeUndefined();
    expect(tail.wantedAfter(902, UNLIMITED, ["a.c"])).toBeUndefined();
    expect(read(tail, 7, ["a.c"])).toEqual([900, 902]);
    expect(tail.wantedAfter(900, UNLIMITED, ["z.z"])).toEqual({ entries: [], end: { seq: 902, tag: "t902" } });
  });

  test("has the entry before a hole, from which its gap is told", () => {
    const entries = Array.from({ length: 600 }, (_, index) => event(index + 1, "a.b"));
    const tail = tailOf([...entries.slice(0, 512), holeOf(513, 520), ...entries.slice(520), event(601, "a.c")]);
    expect(read(tail, 0, ["a.c"])).toEqual([512, 520, 601]);
    expect(read(tail, 512, ["a.c"])).toEqual([520, 601]);
  });

  test("ends with the entry that fills it, and counts none that is left out", () => {
    const tail = tailOf(
      Array.from({ length: 1_000 }, (_, index) => event(index + 1, index % 300 === 0 ? "a.b" : "a.c")),
    );
    const slice = tail.wantedAfter(0, 250, ["a.b"]);
    expect(sequences(slice?.entries ?? [])).toEqual([1, 301, 601]);
    expect(slice?.end.seq).toBe(601);
    expect(tail.wantedAfter(601, 250, ["a.b"])?.end.seq).toBe(1_000);
  });

  test("ends after half a millisecond, with the block it has come to", () => {
    let now = 0;
    const tail = new Tail(new TailBudget(UNLIMITED), () => (now += 0.125));
    for (let seq = 1; seq < 10 * 256; seq += 1) tail.append(event(seq, "a.c"));
    expect(tail.wantedAfter(0, UNLIMITED, ["a.b"])?.end.seq).toBe(5 * 256 - 1);
    expect(tail.wantedAfter(5 * 256 - 1, UNLIMITED, ["a.b"])?.end.seq).toBe(10 * 256 - 1);
  });
});

/** Reads to the end, in slices of a few entries, and compares with what reading every entry finds. */
function expectAllWanted(tail: Tail, patterns: readonly string[]): void {
  const all = tail.length === 0 ? [] : (tail.after(firstOf(tail) - 1, UNLIMITED) ?? []);
  const topics = patterns.map(wantedTopic);
  const wanted = all.filter((entry) => isWanted(entry, topics)).map(({ position }) => position.seq);
  const seen = all.length === 0 ? [] : read(tail, firstOf(tail) - 1, patterns);
  expect(seen.filter((seq) => isWanted(tail.at(seq) ?? control(seq), topics))).toEqual(wanted);
  expect(seen.length).toBeLessThanOrEqual(2 * wanted.length);
}

function read(tail: Tail, from: number, patterns: readonly string[]): number[] {
  const seen: number[] = [];
  let slice: Slice | undefined;
  for (let seq = from; (slice = tail.wantedAfter(seq, 500, patterns)) !== undefined; seq = slice.end.seq) {
    expect(slice.end.seq).toBeGreaterThan(seq);
    seen.push(...sequences(slice.entries));
  }
  return seen;
}

function firstOf(tail: Tail): number {
  for (let seq = 1; seq < 1_000_000; seq += 1) {
    const entry = tail.at(seq);
    if (entry !== undefined) return firstSeqOf(entry);
  }
  throw new Error("the tail is empty");
}

function entriesOf(
  start: number,
  made: readonly { readonly topic: string; readonly hole: number; readonly kind: number }[],
): LogEntry[] {
  let seq = start;
  return made.map(({ topic, hole, kind }) => {
    const first = seq + 1;
    seq += kind === 0 ? hole + 1 : 1;
    if (kind === 0) return holeOf(first, seq);
    return kind === 1 ? control(seq) : event(seq, topic);
  });
}

function tailOf(entries: readonly LogEntry[]): Tail {
  const tail = new Tail(new TailBudget(UNLIMITED), () => 1);
  for (const entry of entries) tail.append(entry);
  return tail;
}

function sequences(entries: readonly LogEntry[]): number[] {
  return entries.map(({ position }) => position.seq);
}

function control(seq: number): LogEntry {
  return { kind: "control", position: { seq, tag: `t${seq}` }, storedAt: 0, change: { of: "unknown" } };
}

function event(seq: number, topic: string): LogEntry {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic,
    type: topic,
    payload: Buffer.from("x"),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
