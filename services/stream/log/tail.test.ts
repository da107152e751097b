import { describe, expect, test } from "vitest";
import { type EventEntry, holeOf, type LogEntry } from "../event.ts";
import { encodeEvent } from "../frames/encode-frame.ts";
import { entryBytes } from "./entry-bytes.ts";
import { Tail, TailBudget } from "./tail.ts";

const UNLIMITED = Number.MAX_SAFE_INTEGER;

const RAW = { body: "raw", naming: "message", framing: "sse" } as const;
const FORMATS = (["raw", "cloudevents"] as const).flatMap((body) =>
  (["message", "named"] as const).map((naming) => ({ body, naming, framing: "sse" as const })),
);

/** What an entry costs that is no event. */
const EMPTY = entryBytes(holeOf(1, 1));

describe("a tail", () => {
  test("gives the entries that follow a sequence", () => {
    const tail = filled(new TailBudget(UNLIMITED), [5, 6, 7, 8]);
    expect(sequences(tail.after(4, UNLIMITED))).toEqual([5, 6, 7, 8]);
    expect(sequences(tail.after(6, UNLIMITED))).toEqual([7, 8]);
  });

  test("has nothing after its last entry, nor where the next one is gone", () => {
    const tail = filled(new TailBudget(UNLIMITED), [5, 6]);
    expect(tail.after(6, UNLIMITED)).toBeUndefined();
    expect(tail.after(60, UNLIMITED)).toBeUndefined();
    expect(tail.after(3, UNLIMITED)).toBeUndefined();
    expect(new Tail(new TailBudget(UNLIMITED), clock).after(0, UNLIMITED)).toBeUndefined();
  });

  test("finds an entry by its sequence", () => {
    const tail = filled(new TailBudget(UNLIMITED), [5, 6]);
    expect(tail.at(6)?.position.seq).toBe(6);
    expect(tail.at(4)).toBeUndefined();
    expect(tail.at(7)).toBeUndefined();
  });

  test("gives slices of about the bytes asked for, and at least one entry", () => {
    const tail = new Tail(new TailBudget(UNLIMITED), clock);
    for (const seq of [1, 2, 3, 4]) tail.append(event(seq, 900));
    expect(sequences(tail.after(0, 1))).toEqual([1]);
    expect(sequences(tail.after(0, 1_000))).toEqual([1]);
    expect(sequences(tail.after(0, 1_001))).toEqual([1, 2]);
    expect(sequences(tail.after(1, 3_000))).toEqual([2, 3, 4]);
  });

  test("bounds how many entries without a payload one slice holds", () => {
    const tail = filled(
      new TailBudget(UNLIMITED),
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(tail.after(0, 1_000)?.length).toBe(10);
  });

  test("begins anew after it was cleared", () => {
    const tail = filled(new TailBudget(UNLIMITED), [5, 6]);
    tail.clear();
    expect(tail.length).toBe(0);
    tail.append(event(900, 1));
    expect(sequences(tail.after(899, UNLIMITED))).toEqual([900]);
  });

  test("drops its oldest entries one by one, and stays in order", () => {
    const tail = filled(new TailBudget(UNLIMITED), [1, 2, 3, 4, 5, 6, 7]);
    for (let dropped = 1; dropped < 7; dropped += 1) {
      expect(tail.dropOldest()).toBe(true);
      expect(tail.at(dropped)).toBeUndefined();
      expect(tail.after(dropped - 1, UNLIMITED)).toBeUndefined();
      expect(tail.after(dropped, UNLIMITED)?.length).toBe(7 - dropped);
    }
    expect(tail.dropOldest()).toBe(true);
    expect(tail.dropOldest()).toBe(false);
  });
});

describe("a tail with holes", () => {
  test("finds what covers a sequence, and gives a hole to whoever stands in it", () => {
    const tail = new Tail(new TailBudget(UNLIMITED), clock);
    for (const entry of [control(5), holeOf(6, 9), control(10), holeOf(11, 11), control(12)]) tail.append(entry);
    expect(tail.at(7)).toEqual(holeOf(6, 9));
    expect(tail.at(10)?.kind).toBe("control");
    expect(tail.at(13)).toBeUndefined();
    expect(sequences(tail.after(4, UNLIMITED))).toEqual([5, 9, 10, 11, 12]);
    expect(sequences(tail.after(7, UNLIMITED))).toEqual([9, 10, 11, 12]);
    expect(sequences(tail.after(9, UNLIMITED))).toEqual([10, 11, 12]);
    expect(tail.after(12, UNLIMITED)).toBeUndefined();
  });

  test("that begins with one has nothing before it", () => {
    const tail = new Tail(new TailBudget(UNLIMITED), clock);
    tail.append(holeOf(6, 9));
    expect(tail.after(4, UNLIMITED)).toBeUndefined();
    expect(sequences(tail.after(5, UNLIMITED))).toEqual([9]);
  });

  test("puts one in the place of each erased event, and gives back what the event has cost", () => {
    const budget = new TailBudget(UNLIMITED);
    const tail = new Tail(budget, clock);
    const events = [1, 2, 3].map((seq) => event(seq, 3 * EMPTY));
    for (const each of events) tail.append(each);
    encodeEvent("acme", "epoch", events[1] as EventEntry, RAW);
    tail.erase(({ position }) => position.seq === 2);
    expect(tail.at(2)).toEqual(holeOf(2, 2));
    expect(tail.at(3)?.kind).toBe("event");
    expect(budget.bytes).toBe(2 * entryBytes(event(1, 3 * EMPTY)) + EMPTY);
  });

  test("forgets what is before a sequence", () => {
    const tail = filled(new TailBudget(UNLIMITED), [5, 6, 7]);
    tail.dropBefore(7);
    expect(sequences(tail.after(6, UNLIMITED))).toEqual([7]);
    tail.dropBefore(100);
    expect(tail.length).toBe(0);
  });
});

describe("the budget of all tails", () => {
  test("holds what fits exactly, and gives up the oldest for one entry more", () => {
    const tail = filled(new TailBudget(3 * EMPTY), [1, 2, 3]);
    expect(tail.length).toBe(3);
    tail.append(control(4));
    expect(sequences(tail.after(1, UNLIMITED))).toEqual([2, 3, 4]);
    expect(tail.after(0, UNLIMITED)).toBeUndefined();
  });

  test("takes first from the tail that was read least recently", () => {
    const budget = new TailBudget(4 * EMPTY);
    const [idle, read] = [filled(budget, [1, 2]), filled(budget, [1, 2])];
    read.after(0, UNLIMITED);
    read.append(control(3));
    read.append(control(4));
    expect([idle.length, read.length]).toEqual([0, 4]);
    read.append(control(5));
    expect(sequences(read.after(1, UNLIMITED))).toEqual([2, 3, 4, 5]);
  });

  test("gets back what a tail held when that is gone", () => {
    const budget = new TailBudget(2 * EMPTY);
    filled(budget, [1, 2])[Symbol.dispose]();
    expect(filled(budget, [1, 2]).length).toBe(2);
  });

  test("holds no entry that is larger than all of it, and goes on", () => {
    const tail = filled(new TailBudget(10 * EMPTY), [1, 2]);
    tail.append(event(3, 10 * EMPTY));
    expect(tail.length).toBe(0);
    tail.append(control(4));
    expect(sequences(tail.after(3, UNLIMITED))).toEqual([4]);
  });

  test("gives up any number of small entries for a large one", () => {
    const count = 200_000;
    const tail = filled(
      new TailBudget(count * EMPTY),
      Array.from({ length: count }, (_, index) => index + 1),
    );
    tail.append(event(count + 1, (count * EMPTY) / 2));
    expect(tail.length).toBeLessThan(count / 2);
    expect(tail.at(count + 1)?.kind).toBe("event");
  });
});

describe("the charge of an event", () => {
  test("covers its payload, its headers in the bytes they take, and each frame once it is made", () => {
    const budget = new TailBudget(UNLIMITED);
    const tail = new Tail(budget, clock);
    tail.append(event(1, 0));
    const least = budget.bytes;
    tail.append({ ...event(2, 10_000), attributes: { "ce-a": "x".repeat(5_000), "ce-b": `é${"€".repeat(1_000)}` } });
    expect(budget.bytes - 2 * least).toBeGreaterThan(10_000 + 5_000 + 2 * 1_001);
    const last = tail.at(2) as EventEntry;
    for (const format of FORMATS) {
      const before = budget.bytes;
      const { length } = encodeEvent("acme", "epoch", last, format);
      expect(budget.bytes - before).toBeGreaterThan(length);
      encodeEvent("acme", "epoch", last, format);
      expect(budget.bytes - before).toBeLessThan(2 * length + 2_000);
    }
  });

  test("is given back whole, and its frames are let go with it", () => {
    const budget = new TailBudget(UNLIMITED);
    const tail = new Tail(budget, clock);
    const held = [1, 2, 3].map((seq) => event(seq, 100));
    for (const each of held) tail.append(each);
    for (const format of FORMATS) for (const each of held) encodeEvent("acme", "epoch", each, format);
    tail.clear();
    expect(budget.bytes).toBe(0);
    expect(held.map(({ frames }) => frames)).toEqual([undefined, undefined, undefined]);
    encodeEvent("acme", "epoch", held[0] as EventEntry, RAW);
    expect(budget.bytes).toBe(0);
  });

  test("keeps the tail within the budget whatever its frames take", () => {
    const budget = new TailBudget(200_000);
    const tail = new Tail(budget, clock);
    for (let seq = 1; seq <= 200; seq += 1) {
      const last = event(seq, 1_000);
      tail.append(last);
      for (const format of FORMATS) encodeEvent("acme", "epoch", last, format);
      expect(budget.bytes).toBeLessThanOrEqual(200_000);
    }
    expect(tail.length).toBeGreaterThan(5);
  });

  test("does not grow with what a control entry says, which the tail forgets", () => {
    const budget = new TailBudget(UNLIMITED);
    const tail = new Tail(budget, clock);
    const entry = { through: 9, ids: Array.from({ length: 1_000 }, (_, index) => `epoch.${index}.t`) };
    tail.append({ kind: "control", position: { seq: 1, tag: "t" }, storedAt: 0, change: { of: "erased", entry } });
    expect(tail.at(1)).toEqual(control(1));
    expect(budget.bytes).toBe(EMPTY);
  });
});

let time = 0;

function clock(): number {
  return (time += 1);
}

function filled(budget: TailBudget, seqs: readonly number[]): Tail {
  const tail = new Tail(budget, clock);
  for (const seq of seqs) tail.append(control(seq));
  return tail;
}

function sequences(entries: readonly LogEntry[] | undefined): number[] | undefined {
  return entries?.map(({ position }) => position.seq);
}

function control(seq: number): LogEntry {
  return { kind: "control", position: { seq, tag: "t" }, storedAt: 0, change: { of: "unknown" } };
}

function event(seq: number, bytes: number): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: "t" },
    topic: "order.created",
    type: "order.created",
    payload: Buffer.alloc(bytes, 97),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
