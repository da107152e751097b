import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryRecords } from "#test/rigs/memory-subscriptions.ts";
import { idAt, openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { applyCommand, applyWithoutHolder } from "./commands.ts";
import { MAX_DEAD } from "./events.ts";
import { Hold } from "./hold.ts";
import type { SubscriptionRecord } from "./record.ts";
import { storable, type StoredRecord } from "./subscription-store.ts";

const KEY = { tenant: "acme", subject: "alice", name: "orders" };
const LIFE = { expiresMs: 1e9, archivesMs: 2e9 };

let records: MemoryRecords;
let cursor: { seq: number; tag: string };
let told: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 });
  records = new MemoryRecords();
  cursor = { seq: 10, tag: "t10" };
  told = [];
});
afterEach(() => void vi.useRealTimers());

async function holdOf(change: Partial<SubscriptionRecord> = {}, used: readonly number[] = []): Promise<Hold> {
  const record = recordOf({ holder: { connectionId: "w-1", client: undefined }, ...change });
  const write = (await records.put(KEY, storable(record), undefined)) ?? 0;
  const context = () => ({ now: Date.now(), life: LIFE });
  const deps = { store: records, now: Date.now, paceMs: () => 100, context };
  const hold = new Hold(KEY, { record, write }, deps, {
    again: [...record.open.keys()].filter((seq) => !used.includes(seq)),
    used,
  });
  hold.begin({
    get cursor() {
      return cursor;
    },
    interrupt: () => void told.push("interrupt"),
    lose: (why) => void told.push(why),
  });
  return hold;
}

function deliver(hold: Hold, ...seqs: number[]): void {
  for (const seq of seqs) {
    cursor = { seq, tag: `t${seq}` };
    hold.delivered([cursor]);
  }
}

const stored = async (): Promise<StoredRecord> => (await records.read(KEY))!;
const acknowledge = (hold: Hold, ...seqs: number[]) =>
  hold.apply({ do: "acknowledge", ids: seqs.map((seq) => idAt(seq)) }, new Set());

/** Another edge changes the record without the holder. */
async function changeElsewhere(change: (record: SubscriptionRecord) => void): Promise<void> {
  const { record, write } = await stored();
  change(record);
  await records.put(KEY, storable(record), write);
}

describe("a hold", () => {
  test("has room for as many events as its window, and for another one with each that is acknowledged", async () => {
    const hold = await holdOf();
    deliver(hold, 11, 12, 13);
    expect(hold.room).toBe(0);
    const answered = acknowledge(hold, 12);
    expect(hold.room).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    await answered;
    expect([...(await stored()).record.open.keys()]).toEqual([11, 13]);
    expect((await stored()).record.through.seq).toBe(13);
  });

  test("stores many acknowledgements by one write", async () => {
    const hold = await holdOf();
    deliver(hold, 11, 12, 13);
    const answers = [acknowledge(hold, 11), acknowledge(hold, 12), acknowledge(hold, 13)];
    await vi.advanceTimersByTimeAsync(100);
    await Promise.all(answers);
    expect(records.puts).toBe(2);
  });

  test("takes an acknowledgement up to an event that it delivered a moment ago", async () => {
    const hold = await holdOf();
    deliver(hold, 11, 12, 13);
    const answered = hold.apply({ do: "acknowledge", ids: [], upTo: idAt(12) }, new Set());
    await vi.advanceTimersByTimeAsync(100);
    await answered;
    expect([...(await stored()).record.open.keys()]).toEqual([13]);
  });

  test("uses up a delivery before an event comes again, and makes it a dead letter when none is left", async () => {
    const hold = await holdOf();
    deliver(hold, 11);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(hold.next).toEqual({ seq: 11, tag: "t11" });
    expect((await stored()).record.open.get(11)?.deliveries).toBe(2);
    hold.redelivered(11);
    await vi.advanceTimersByTimeAsync(2_500);
    expect([hold.next, hold.record.dead]).toMatchObject([undefined, [{ seq: 11, deliveries: 2 }]]);
  });

  test("lets nothing come again while the store is away, and uses up one delivery for that", async () => {
    const hold = await holdOf();
    deliver(hold, 11);
    await vi.advanceTimersByTimeAsync(900);
    records.fault = "lost";
    await vi.advanceTimersByTimeAsync(20_000);
    expect([hold.next, hold.record.open.get(11)?.deliveries]).toEqual([undefined, 2]);
    records.fault = undefined;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(hold.next?.seq).toBe(11);
  });

  test("knows its own write again, of which it had no answer: what is acknowledged meanwhile stays so", async () => {
    const hold = await holdOf();
    deliver(hold, 11, 12);
    records.fault = "late";
    await vi.advanceTimersByTimeAsync(1_001);
    const answered = acknowledge(hold, 11);
    records.fault = undefined;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await answered).not.toBe("moved");
    expect(hold.record.open.has(11)).toBe(false);
    expect((await stored()).record.open.has(11)).toBe(false);
  });

  test("refuses at once what comes behind a thousand that wait for a store that is away", async () => {
    const hold = await holdOf();
    hold.stayAlive();
    records.fault = "lost";
    await vi.advanceTimersByTimeAsync(1_100);
    const codes: unknown[] = [];
    const ask = () =>
      acknowledge(hold, 11).then(
        () => codes.push("stored"),
        ({ code }) => codes.push(code),
      );
    const waiting = Array.from({ length: 1_000 }, ask);
    await vi.advanceTimersByTimeAsync(1);
    expect(codes).toEqual([]);
    void ask();
    await vi.advanceTimersByTimeAsync(1);
    expect(codes).toEqual(["unavailable"]);
    records.fault = undefined;
    await vi.advanceTimersByTimeAsync(3_000);
    await Promise.all(waiting);
    expect(new Set(codes.slice(1))).toEqual(new Set(["stored"]));
  });

  test("takes over what another edge has changed, and changes of its own stay", async () => {
    const hold = await holdOf({ open: new Map([openEvent(9, 60_000), openEvent(10, 60_000)]) });
    await changeElsewhere((record) =>
      applyCommand(record, { do: "acknowledge", ids: [idAt(9)] }, { now: 1_000, life: LIFE }),
    );
    deliver(hold, 11);
    const answered = acknowledge(hold, 10);
    await vi.advanceTimersByTimeAsync(2_000);
    await answered;
    expect([...(await stored()).record.open.keys()]).toEqual([11]);
  });

  test("keeps no dead letter of an event that was acknowledged at another edge meanwhile", async () => {
    const hold = await holdOf({ definition: { ...recordOf().definition, ackWaitMs: 5_000, maxDeliver: 1 } });
    deliver(hold, 11);
    await vi.advanceTimersByTimeAsync(1_100);
    await changeElsewhere((record) =>
      applyCommand(record, { do: "acknowledge", ids: [idAt(11)] }, { now: 1_000, life: LIFE }),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    const { open, dead } = (await stored()).record;
    expect([open.size, dead, hold.record.dead]).toEqual([0, [], []]);
  });

  test("ends when another connection is the holder: its commands go there", async () => {
    const hold = await holdOf();
    deliver(hold, 11);
    await changeElsewhere((record) => void (record.holder = { connectionId: "w-2", client: undefined }));
    const answered = acknowledge(hold, 11);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([await answered, told, hold.room, hold.ended]).toEqual(["moved", ["replaced"], 0, true]);
    expect(await hold.apply({ do: "look" }, new Set())).toBe("moved");
  });

  test("ends where its topics were changed without it: what it has passed since may be for the others", async () => {
    const hold = await holdOf();
    const { topics: _, ...defined } = recordOf().definition;
    const definition = { ...defined, backoffMs: [] };
    const at = { epoch: "first-epoch", position: { seq: 10, tag: "t10" } };
    const command = { do: "define", definition, topics: ["invoice.*", "order.>"], at } as const;
    await changeElsewhere((record) =>
      applyWithoutHolder(record, { ...command, topics: [...command.topics] }, { now: 1_000, life: LIFE }),
    );
    deliver(hold, 14);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([told, hold.ended, (await stored()).record.through.seq]).toEqual([["changed"], true, 10]);
  });

  test("that is let go says where delivery stands, and gives back a delivery that did not take place", async () => {
    const hold = await holdOf();
    deliver(hold, 11);
    await vi.advanceTimersByTimeAsync(999);
    records.fault = "lost";
    await vi.advanceTimersByTimeAsync(50);
    records.fault = undefined;
    const released = hold.release();
    await vi.advanceTimersByTimeAsync(3_000);
    await released;
    const { record } = await stored();
    expect([record.holder, record.through.seq, record.open.get(11)?.deliveries]).toEqual([undefined, 11, 1]);
  });

  test("that is let go before it has delivered gives back what attaching has used up, and nothing else", async () => {
    const hold = await holdOf(
      { open: new Map([openEvent(8, 0, 2), openEvent(9, 60_000, 2), openEvent(10, 0, 2)]) },
      [8, 10],
    );
    hold.redelivered(8);
    const released = hold.release();
    await vi.advanceTimersByTimeAsync(100);
    await released;
    const { open } = (await stored()).record;
    expect([8, 9, 10].map((seq) => open.get(seq)?.deliveries)).toEqual([2, 2, 1]);
  });

  test("delivers nothing while it is paused, and goes on when the pause is over", async () => {
    const hold = await holdOf({ open: new Map([openEvent(9)]) });
    void hold.apply({ do: "pause", until: 5_000 }, new Set());
    expect([hold.room, hold.next]).toEqual([0, undefined]);
    told = [];
    await vi.advanceTimersByTimeAsync(4_001);
    expect([hold.room, hold.next?.seq, told[0]]).toEqual([2, 9, "interrupt"]);
  });

  test("passes what was acknowledged before it came upon it", async () => {
    const hold = await holdOf({ early: new Map([[12, "t12"]]) });
    expect([
      hold.wants({ seq: 12, tag: "t12" }, "order.a.b"),
      hold.wants({ seq: 13, tag: "t13" }, "order.a.b"),
    ]).toEqual([false, true]);
    deliver(hold, 13);
    await vi.advanceTimersByTimeAsync(1_500);
    expect((await stored()).record.early.size).toBe(0);
  });

  test("keeps an event that may not be seen while there is no room for another dead letter, and looks again later", async () => {
    const letter = (seq: number) => ({ seq, tag: `t${seq}`, deliveries: 2, reason: "refused" }) as const;
    const dead = Array.from({ length: MAX_DEAD }, (_, place) => letter(100 + place));
    const hold = await holdOf({ open: new Map([openEvent(9)]), dead });
    hold.give(9, "denied");
    expect([hold.next, hold.record.open.has(9)]).toEqual([undefined, true]);
    const dropped = hold.apply({ do: "drop", dead: "all" }, new Set());
    await vi.advanceTimersByTimeAsync(1_500);
    await dropped;
    expect(hold.next?.seq).toBe(9);
    hold.give(9, "denied");
    expect(hold.record.dead).toMatchObject([{ seq: 9, reason: "denied" }]);
  });

  test("forgets everything when the log begins anew", async () => {
    const hold = await holdOf({ open: new Map([openEvent(9)]) });
    hold.reset("other-epoch", { seq: 0, tag: "0" });
    expect([hold.next, hold.room, hold.wants({ seq: 1, tag: "t" }, "order.a")]).toEqual([undefined, 3, true]);
  });
});
