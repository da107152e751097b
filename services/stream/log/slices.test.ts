import { expect, test } from "vitest";
import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { type EventEntry, holeOf, type LogEntry } from "../event.ts";
import { Slices } from "./slices.ts";
import { TailBudget } from "./tail.ts";
import { type History, TenantLog } from "./tenant-log.ts";

test("what is erased between its reading from JetStream and its delivery is not delivered", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.2")]);
  await slices.fetch(0);
  erase(log, { subject: "order.*.1", through: 1 });
  expect(slices.after(0)).toEqual([holeOf(1, 1), event(2, "order.created.2")]);
});

test("an erasure reaches no further than its sequence", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1"), event(2, "order.created.1")]);
  erase(log, { subject: "order.created.*", through: 1 });
  await slices.fetch(0);
  expect(slices.after(0)).toEqual([holeOf(1, 1), event(2, "order.created.1")]);
});

test("what was read before a purge that no entry tells of is read again", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1")]);
  await slices.fetch(0);
  log.forgetTail();
  expect(slices.after(0)).toBeUndefined();
  await slices.fetch(0);
  expect(slices.after(0)).toHaveLength(1);
});

test("what was read once more is used, however often purges are noticed", async () => {
  const { log, slices } = slicesOf([event(1, "order.created.1")]);
  await slices.fetch(0);
  log.forgetTail();
  expect(slices.after(0)).toBeUndefined();
  await slices.fetch(0);
  log.forgetTail();
  expect(slices.after(0)).toHaveLength(1);
});

test("a hole that ends beyond the horizon ends at it", async () => {
  const { slices } = slicesOf([event(1, "order.created.1"), holeOf(2, 90)]);
  await slices.fetch(0);
  expect(slices.after(0)).toEqual([event(1, "order.created.1"), holeOf(2, 9)]);
});

/** Slices of a log with horizon 9, of which JetStream answers these entries. */
function slicesOf(entries: readonly LogEntry[]): { log: TenantLog; slices: Slices } {
  const history: History = {
    after: async () => entries,
    bounds: async () => ({ first: 1, last: 9, goneBy: "purged" }),
    tagOf: async () => undefined,
    positionBefore: async () => ({ seq: 0, tag: "0" }),
  };
  const log = new TenantLog("acme", history, { tailBudget: new TailBudget(1e6), now: () => 1 });
  log.reset("first-epoch", { seq: 9, tag: "t9" });
  return { log, slices: new Slices(log, (_, fetch) => fetch()) };
}

/** The log's next entry erases that. */
function erase(log: TenantLog, entry: ErasedEntry): void {
  const position = { seq: log.horizon.seq + 1, tag: "erased" };
  log.advance({ kind: "control", position, storedAt: 0, change: { of: "erased", entry } });
}

function event(seq: number, topic: string): EventEntry {
  return {
    kind: "event",
    position: { seq, tag: `t${seq}` },
    topic,
    type: "order.created",
    payload: Buffer.from("x"),
    storedAt: 0,
    attributes: {},
    frames: undefined,
  };
}
