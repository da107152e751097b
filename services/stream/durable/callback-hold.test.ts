import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryRecords } from "#test/rigs/memory-subscriptions.ts";
import { idAt, openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { Hold } from "./hold.ts";
import { encodeRecord, parseRecord, type SubscriptionRecord } from "./record.ts";
import { storable } from "./subscription-store.ts";

const KEY = { tenant: "acme", subject: "alice", name: "orders" };
const DEFINITION = {
  ...recordOf().definition,
  backoffMs: [100, 5_000],
  deliver: { url: "https://hooks.example.com/", secretRef: "hook" },
};

let records: MemoryRecords;
let told: string[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 });
  records = new MemoryRecords();
  told = [];
});
afterEach(() => void vi.useRealTimers());

async function holdOf(change: Partial<SubscriptionRecord> = {}, used: number[] = []): Promise<Hold> {
  const holder = { connectionId: "w-1", client: undefined };
  const record = recordOf({ definition: DEFINITION, holder, ...change });
  const write = (await records.put(KEY, storable(record), undefined)) ?? 0;
  const context = () => ({ now: Date.now(), life: { expiresMs: 1e9, archivesMs: 2e9 } });
  const deps = { store: records, now: Date.now, paceMs: () => 10, context };
  const hold = new Hold(KEY, { record, write }, deps, { again: [], used });
  hold.begin({
    cursor: { seq: 20, tag: "t20" },
    interrupt: () => void told.push("interrupt"),
    lose: (why) => void told.push(why),
  });
  return hold;
}

const at = (seq: number) => ({ seq, tag: `t${seq}` });
const stored = async () => (await records.read(KEY))!.record;

test("a loss that a callback was told of is told again until it has taken that with the events that it came with", async () => {
  const hold = await holdOf();
  hold.delivered([at(11)]);
  const data = { from: idAt(11), to: idAt(12, "0"), reason: "erased" } as const;
  hold.told({ event: "gap", data });
  hold.delivered([at(13)]);
  hold.accepted([at(11)], false);
  expect(hold.record.owed).toMatchObject({ event: "gap", after: at(11), reason: "erased" });
  hold.failed([at(13)], "the receiver answers 500", 0);
  expect(hold.record.owed).toBeDefined();
  hold.accepted([at(13)], true);
  expect(hold.record.owed).toBeUndefined();
});

describe("events that a callback has in hand", () => {
  test("are due to nobody else, however long it takes, and open no more once it has taken them", async () => {
    const hold = await holdOf();
    hold.delivered([at(11), at(12)]);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([hold.next, hold.room]).toEqual([undefined, 1]);
    hold.accepted([at(11)], true);
    await vi.advanceTimersByTimeAsync(1_100);
    expect([...(await stored()).open.keys()]).toEqual([12]);
    expect(hold.room).toBe(2);
  });

  test("come again by the back-off where it has not, later where it asks for that, until they are dead letters", async () => {
    const hold = await holdOf({ definition: { ...DEFINITION, maxDeliver: 3 } });
    hold.delivered([at(11)]);
    hold.failed([at(11)], "the receiver answers 500", 0);
    await vi.advanceTimersByTimeAsync(99);
    expect(hold.next).toBeUndefined();
    await vi.advanceTimersByTimeAsync(50);
    expect(hold.next).toEqual(at(11));
    expect((await stored()).open.get(11)?.deliveries).toBe(2);
    hold.redelivered(11);
    hold.failed([at(11)], "the receiver answers 503", 9_000);
    await vi.advanceTimersByTimeAsync(8_900);
    expect(hold.next).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    hold.redelivered(11);
    hold.failed([at(11)], "the receiver answers 500", 0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await stored()).toMatchObject({
      dead: [{ seq: 11, deliveries: 3, reason: "refused" }],
      failure: { reason: "the receiver answers 500" },
    });
  });

  test("and were not sent come again at once, and that is the delivery that they had", async () => {
    const hold = await holdOf();
    hold.delivered([at(11), at(12)]);
    hold.takeBack([at(11)]);
    expect(hold.next).toEqual(at(11));
    expect(hold.record.open.get(11)?.deliveries).toBe(1);
    expect(told).toEqual(["interrupt"]);
  });

  test("use up no delivery when the subscription is let go, and are due for the next holder", async () => {
    const hold = await holdOf();
    hold.delivered([at(11)]);
    const released = hold.release();
    await vi.advanceTimersByTimeAsync(10);
    await released;
    const { open, holder } = await stored();
    expect([open.get(11), holder]).toEqual([{ tag: "t11", deliveries: 0, dueAt: 1_000 }, undefined]);
  });

  test("are due in the record, so that whoever takes it over from a holder that was killed sends them again", async () => {
    const hold = await holdOf();
    hold.delivered([at(11)]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await stored()).open.get(11)?.dueAt).toBe(1_000);
  });
});

test("of the open events those come again that are due; the others have their back-off", async () => {
  const open = new Map([openEvent(11, 500), openEvent(12, 60_000)]);
  const hold = await holdOf({ open }, [11]);
  expect(hold.next).toEqual(at(11));
  hold.redelivered(11);
  hold.accepted([at(11)], true);
  expect(hold.next).toBeUndefined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(hold.next).toEqual(at(12));
});

test("an event that its owner acknowledges while it is in hand is open no more, and can be opened anew", async () => {
  const hold = await holdOf();
  hold.delivered([at(11)]);
  const acknowledged = hold.apply({ do: "acknowledge", ids: [idAt(11)] }, new Set());
  await vi.advanceTimersByTimeAsync(100);
  await acknowledged;
  hold.failed([at(11)], "late", 0);
  expect(hold.record.open.size).toBe(0);
});

test("an answer for an event of a log that has begun anew since counts for no event of the new one", async () => {
  const hold = await holdOf();
  hold.delivered([at(11)]);
  hold.reset("second-epoch", { seq: 0, tag: "0" });
  hold.delivered([{ seq: 11, tag: "other" }]);
  hold.accepted([at(11)], true);
  hold.takeBack([at(11)]);
  expect([...hold.record.open.keys()]).toEqual([11]);
  expect(hold.next).toBeUndefined();
});

test("a holder whose callback is changed lets go", async () => {
  const hold = await holdOf();
  const { topics: _, ...definition } = DEFINITION;
  const define = {
    do: "define" as const,
    definition: { ...definition, deliver: { ...definition.deliver, url: "https://other.example.com/" } },
    topics: ["order.>"],
    at: { epoch: "first-epoch", position: at(10) },
  };
  const applied = hold.apply(define, new Set());
  await vi.advanceTimersByTimeAsync(100);
  await applied;
  expect(told).toEqual(["changed"]);
});

describe("a record with a callback", () => {
  test("is of a later format, which an earlier release leaves alone; one without is as before", () => {
    const record = recordOf({ definition: DEFINITION, failure: { at: 1, reason: "x" } });
    expect(JSON.parse(encodeRecord(record))).toMatchObject({ v: 2 });
    expect(parseRecord(encodeRecord(record))).toEqual({ is: "record", record });
    expect(JSON.parse(encodeRecord(recordOf()))).toMatchObject({ v: 1 });
    expect(storable(record)).toMatchObject({ callbackHolder: "none" });
    expect(storable(recordOf())).not.toHaveProperty("callbackHolder");
  });

  test.each([{ scope: "no scope at all!" }, { url: "no address" }, { secretRef: "two words" }])(
    "cannot be read with %j",
    (change) => {
      const record = recordOf({ definition: { ...DEFINITION, deliver: { ...DEFINITION.deliver, ...change } } });
      expect(parseRecord(encodeRecord(record))).toEqual({ is: "corrupted" });
    },
  );
});
