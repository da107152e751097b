import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { type EventEntry, holeOf, type LogEntry, type Position } from "../event.ts";
import { encodeEvent } from "../frames/encode-frame.ts";
import { Slices } from "./slices.ts";
import { TailBudget } from "./tail.ts";
import { type History, TenantLog } from "./tenant-log.ts";

test("what is erased between its reading from JetStream and its delivery is not delivered", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.2")]);
  await slices.fetch(0, READER);
  erase(log, { subject: "order.*.1", through: 1 });
  expect(slices.after(0)?.entries).toMatchObject([holeOf(1, 1), event(2, "order.created.2")]);
});

test("an erasure reaches no further than its sequence", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.1")]);
  erase(log, { subject: "order.created.*", through: 1 });
  await slices.fetch(0, READER);
  expect(slices.after(0)?.entries).toMatchObject([holeOf(1, 1), event(2, "order.created.1")]);
});

test("what was read before a purge that no entry tells of is read again", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1")]);
  await slices.fetch(0, READER);
  log.forgetTail();
  expect(slices.after(0)).toBeUndefined();
  await slices.fetch(0, READER);
  expect(slices.after(0)?.entries).toHaveLength(1);
});

test("what was read once more is used, however often purges are noticed", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1")]);
  await slices.fetch(0, READER);
  log.forgetTail();
  expect(slices.after(0)).toBeUndefined();
  await slices.fetch(0, READER);
  log.forgetTail();
  expect(slices.after(0)?.entries).toHaveLength(1);
});

test("a hole that ends beyond the horizon ends at it", async () => {
  const { slices } = slicesOf([event(1, "order.created.1"), holeOf(2, 90)]);
  await slices.fetch(0, READER);
  expect(slices.after(0)?.entries).toMatchObject([event(1, "order.created.1"), holeOf(2, 9)]);
});

describe("readers at near positions", () => {
  test("share one read, that is under way or was a moment ago", async () => {
    const { reads, reader } = sharing(40);
    const readers = Array.from({ length: 1_000 }, (_, index) => ({ from: index % 30, slices: reader() }));
    await Promise.all(readers.map(({ from, slices }) => slices.fetch(from, READER)));
    for (const { from, slices } of readers) expect(sequences(slices.after(from)?.entries)).toEqual(range(from + 1, 40));
    expect(reads).toEqual([0]);
  });

  test("share its frames, and the budget is charged for them until they are let go", async () => {
    const { log, reader, budget, clock } = sharing(40);
    const slices = reader();
    await slices.fetch(0, READER);
    const [first] = slices.after(0)?.entries ?? [];
    const [same] = reader().after(0)?.entries ?? [];
    expect(same).toBe(first);
    const before = budget.bytes;
    const frame = encodeEvent("acme", "first-epoch", first as EventEntry, {
      body: "raw",
      naming: "message",
      framing: "sse",
    });
    expect(budget.bytes - before).toBeGreaterThan(frame.length);
    clock.now += 5_001;
    expect(reader().after(0)).toBeUndefined();
    expect(budget.bytes).toBe(0);
    expect(log.recent.length).toBe(0);
  });

  test("give way where the budget is used up, and read again", async () => {
    const { reader, reads, log } = sharing(40, 10_000);
    const [first, second] = [reader(), reader()];
    await first.fetch(0, READER);
    expect(log.recent.length).toBe(0);
    expect(sequences(first.after(0)?.entries)).toEqual(range(1, 40));
    await second.fetch(0, READER);
    expect(reads).toEqual([0, 0]);
  });

  test("are served nothing that was erased meanwhile, from what one has read or is reading", async () => {
    const { log, reader, hold } = sharing(3);
    await reader().fetch(0, READER);
    erase(log, { subject: "order.created.2", through: 9 });
    expect(reader().after(0)).toBeUndefined();
    const release = hold();
    const late = reader();
    const fetched = late.fetch(0, READER);
    await setImmediate();
    erase(log, { subject: "order.created.1", through: 9 });
    release();
    await fetched;
    expect(late.after(0)?.entries).toMatchObject([holeOf(1, 1), holeOf(2, 2), { kind: "event" }]);
    expect(reader().after(0)).toBeUndefined();
  });

  test("share nothing of a log that was replaced while it was read", async () => {
    const { log, reader, hold } = sharing(3);
    const release = hold();
    const fetched = reader().fetch(0, READER);
    await setImmediate();
    log.reset("second-epoch", { seq: 9, tag: "t9" });
    release();
    await fetched;
    expect(reader().after(0)).toBeUndefined();
  });
});

describe("a reader that finds nothing", () => {
  test("asks after four slices where to go on, and passes what is not for it", async () => {
    const { reader, reads, asked } = sharing(40, 1e6, { seq: 36, tag: "t36" });
    const slices = reader();
    for (let read = 0; read < 4; read += 1) {
      await slices.fetch(read, READER);
      slices.note(false);
    }
    expect(asked).toEqual([]);
    expect(await slices.fetch(100, READER)).toEqual({ quietTo: { seq: 36, tag: "t36" } });
    expect(asked).toEqual([["order.>"]]);
    expect(reads).not.toContain(100);
  });

  test("asks twice as late where the answer does not help, and never about more than 16 patterns", async () => {
    const { reader, asked } = sharing(40);
    const slices = reader();
    for (let read = 0; read < 33; read += 1) {
      await slices.fetch(100 + read, READER);
      slices.note(false);
    }
    // After 4, 8, 16 and 32.
    expect(asked).toHaveLength(4);
    const patterns = (count: number) => Array.from({ length: count }, (_, index) => `order.*.${index}`);
    for (const [count, times] of [[17, 4] as const, [16, 5] as const]) {
      for (let read = 0; read < 40; read += 1) slices.note(false);
      await slices.fetch(200 + count, { ...READER, topics: patterns(count) });
      expect(asked).toHaveLength(times);
    }
  });

  test("asks nothing for a reader that is gone", async () => {
    const { reader, reads } = sharing(40);
    await reader().fetch(0, { ...READER, isWanted: () => false });
    expect(reads).toEqual([]);
  });
});

/** Slices of one log with events 1 to `last`, which counts what it is asked. */
function sharing(last: number, maxBytes = 1e6, quietTo?: Position) {
  const [reads, asked]: [number[], string[][]] = [[], []];
  const clock = { now: 1 };
  let held: Promise<void> | undefined;
  const history: History = {
    after: async (seq) => {
      reads.push(seq);
      await held;
      return range(seq + 1, Math.max(last, seq + 1)).map((each) => event(each, `order.created.${each}`));
    },
    bounds: async () => ({ first: 1, last, goneBy: "purged" }),
    tagOf: async () => undefined,
    quietAfter: async (_, patterns) => {
      asked.push([...patterns]);
      return quietTo;
    },
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  };
  const budget = new TailBudget(maxBytes);
  const log = new TenantLog("acme", history, { tailBudget: budget, now: () => clock.now });
  log.reset("first-epoch", { seq: 1_000, tag: "t" });
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  const reader = (): Slices => new Slices(log, (_, read) => read(() => {}));
  return { log, budget, clock, reads, asked, hold, reader };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function sequences(entries: readonly LogEntry[] | undefined): number[] | undefined {
  return entries?.map(({ position }) => position.seq);
}

const READER = { subject: "alice", topics: ["order.>"], isWanted: () => true };

/** Slices of a log with horizon 9, of which JetStream answers these entries. */
function slicesOf(entries: readonly LogEntry[]): { log: TenantLog; slices: Slices } {
  const history: History = {
    after: async () => entries,
    bounds: async () => ({ first: 1, last: 9, goneBy: "purged" }),
    tagOf: async () => undefined,
    quietAfter: async () => undefined,
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  };
  const log = new TenantLog("acme", history, { tailBudget: new TailBudget(1e6), now: () => 1 });
  log.reset("first-epoch", { seq: 9, tag: "t9" });
  return { log, slices: new Slices(log, (_, read) => read(() => {})) };
}

/** The log's next entry erases that. */
function erase(log: TenantLog, entry: ErasedEntry): void {
  const position = { seq: log.horizon.seq + 1, tag: "erased" };
  log.advance({ kind: "control", position, storedAt: 0, change: { of: "erased", entry } });
}

function event(seq: number, topic: string) {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic,
    type: "order.created",
    payload: Buffer.from("x"),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  } satisfies EventEntry;
}
