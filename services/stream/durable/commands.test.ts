import { describe, expect, test } from "vitest";
import { idAt, openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { acknowledgementOf, applyCommand, type SubscriptionCommand } from "./commands.ts";
import { bury, MAX_DEAD, unsureIds, useDelivery } from "./events.ts";
import { lifeOf } from "./life.ts";
import { encodeRecord, parseRecord, type SubscriptionRecord } from "./record.ts";
import { tell } from "./told-losses.ts";

const DAY_MS = 86_400_000;
const LIFE = { expiresMs: 7 * DAY_MS, archivesMs: 15 * DAY_MS };

function apply(record: SubscriptionRecord, command: SubscriptionCommand, now = 1_500, real?: ReadonlySet<number>) {
  applyCommand(record, command, { now, life: LIFE, ...(real && { real }) });
  return record;
}

function opened(change: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  const open = new Map([openEvent(11), openEvent(12), openEvent(14)]);
  return recordOf({ open, through: { seq: 14, tag: "t14" }, ...change });
}

const openOf = ({ open }: SubscriptionRecord): number[] => [...open.keys()];

describe("acknowledging", () => {
  test("closes what it names, once", () => {
    const record = apply(opened(), { do: "acknowledge", ids: [idAt(12), idAt(12)] });
    expect(openOf(record)).toEqual([11, 14]);
    expect(openOf(apply(record, { do: "acknowledge", ids: [idAt(12)] }))).toEqual([11, 14]);
  });

  test.each([idAt(12, "other"), idAt(12, "t12", "another-epoch"), idAt(15), idAt(13), "rubbish", "", "a.b.c"])(
    "changes nothing by %j",
    (id) => {
      const [one, other] = [opened(), opened()];
      expect(apply(one, { do: "acknowledge", ids: [id] })).toEqual(opened());
      expect(apply(other, { do: "acknowledge", ids: [], upTo: id === idAt(13) ? "rubbish" : id })).toEqual(opened());
    },
  );

  test("takes a dead letter away, by its own id alone", () => {
    const dead = [{ seq: 9, tag: "t9", deliveries: 2, reason: "not_acknowledged" } as const];
    expect(apply(opened({ dead: [...dead] }), { do: "acknowledge", ids: [], upTo: idAt(12) }).dead).toEqual(dead);
    expect(apply(opened({ dead: [...dead] }), { do: "acknowledge", ids: [idAt(9)] }).dead).toEqual([]);
  });

  test("up to an id closes all before it, also where that one is closed already", () => {
    expect(openOf(apply(opened(), { do: "acknowledge", ids: [], upTo: idAt(12) }))).toEqual([14]);
    expect(openOf(apply(opened(), { do: "acknowledge", ids: [], upTo: idAt(13) }))).toEqual([14]);
  });

  test("takes an id behind the position only where a holder that is gone may have delivered it, and the log has it", () => {
    const record = opened({ reach: 16 });
    const command = { do: "acknowledge", ids: [15, 16, 17].map((seq) => idAt(seq)) } as const;
    const asked = acknowledgementOf({ ...command, ids: [...command.ids] });
    expect(unsureIds(record, asked, false).map(({ position }) => position.seq)).toEqual([15, 16]);
    expect(unsureIds(opened(), asked, false)).toEqual([]);
    expect(unsureIds(opened(), asked, true)).toHaveLength(3);
    apply(record, { ...command, ids: [...command.ids] }, 1_500, new Set([15]));
    expect([...record.early]).toEqual([[15, "t15"]]);
  });

  test("up to an id that is real behind the position moves the position", () => {
    const record = apply(opened({ reach: 16 }), { do: "acknowledge", ids: [], upTo: idAt(16) }, 1_500, new Set([16]));
    expect([record.through.seq, record.open.size]).toEqual([16, 0]);
  });
});

describe("what a client was told is lost", () => {
  const owed = { event: "gap", after: { seq: 10, tag: "t10" }, reason: "erased", toldBehind: 12 } as const;

  test.each<[string, SubscriptionCommand, boolean]>([
    ["an event behind it is acknowledged", { do: "acknowledge", ids: [idAt(14)] }, true],
    ["all up to an event behind it is", { do: "acknowledge", ids: [], upTo: idAt(14) }, true],
    ["an event behind it is refused", { do: "refuse", ids: [idAt(14)], delayMs: 0 }, true],
    ["only an event is that was delivered before", { do: "acknowledge", ids: [idAt(12)] }, false],
    ["only such an event is refused", { do: "refuse", ids: [idAt(12)], delayMs: 0 }, false],
    ["an id is that names no event of this log", { do: "acknowledge", ids: [idAt(14, "other")] }, false],
    ["all up to such an id is", { do: "acknowledge", ids: [], upTo: idAt(20, "other") }, false],
    ["an id of another log is refused", { do: "refuse", ids: [idAt(14, "t14", "other")], delayMs: 0 }, false],
  ])("where %s: whether it knows of that", (_, command, isKnown) => {
    expect(apply(opened({ owed }), command).owed).toEqual(isKnown ? undefined : owed);
    const { toldBehind: __, ...untold } = owed;
    expect(apply(opened({ owed: untold }), command).owed).toEqual(untold);
  });

  test("is behind all that it was sent before, whatever the loss itself lies behind", () => {
    const record = opened();
    tell(record, { event: "gap", data: { from: idAt(11), to: idAt(12, "0"), reason: "erased" } });
    expect(record.owed).toEqual({ event: "gap", after: { seq: 11, tag: "t11" }, reason: "erased", toldBehind: 14 });
    tell(record, { event: "reset", data: { reason: "tail_lost" } });
    expect(record.owed).toEqual({ event: "reset", reason: "tail_lost", toldBehind: 14 });
  });
});

describe("an event that is not acknowledged", () => {
  test("comes again until its deliveries are used up, and is a dead letter then", () => {
    const record = opened();
    expect([useDelivery(record, 11, 2_000), useDelivery(record, 11, 3_000)]).toEqual([true, false]);
    expect(openOf(record)).toEqual([12, 14]);
    expect(record.dead).toEqual([{ seq: 11, tag: "t11", deliveries: 2, reason: "not_acknowledged" }]);
  });

  test("waits longer by its back-off, whose last time counts for all that follow", () => {
    const record = opened();
    record.definition = { ...record.definition, backoffMs: [100, 700], maxDeliver: 9 };
    const dues = [1, 2, 3].map(() => (useDelivery(record, 11, 0), record.open.get(11)?.dueAt));
    expect(dues).toEqual([700, 700, 700]);
  });

  test("goes on coming where there is no room for another dead letter", () => {
    const dead = Array.from(
      { length: MAX_DEAD },
      (_, seq) => ({ seq, tag: "t", deliveries: 2, reason: "refused" }) as const,
    );
    const record = opened({ dead, open: new Map([openEvent(11, 0, 2)]) });
    expect([useDelivery(record, 11, 2_000), record.open.get(11)?.deliveries]).toEqual([true, 2]);
    record.dead.pop();
    expect(useDelivery(record, 11, 4_000)).toBe(false);
  });

  test("can be read as a dead letter that was revived and is not delivered again yet", () => {
    const record = opened({ open: new Map([openEvent(11, 0, 0)]) });
    expect(bury(record, 11, "denied")).toBe(true);
    expect(parseRecord(encodeRecord(record))).toEqual({ is: "record", record });
  });

  test("that is refused comes after its delay, or is a dead letter at its last delivery", () => {
    const record = apply(opened({ open: new Map([openEvent(11), openEvent(12, 2_000, 2)]) }), {
      do: "refuse",
      ids: [idAt(11), idAt(12), idAt(99)],
      delayMs: 50,
    });
    expect(record.open.get(11)?.dueAt).toBe(1_550);
    expect(record.dead).toMatchObject([{ seq: 12, reason: "refused" }]);
  });
});

describe("dead letters", () => {
  const dead = [11, 12, 13].map((seq) => ({ seq, tag: `t${seq}`, deliveries: 2, reason: "refused" }) as const);

  test("come again in the order of the log, as many as the window has room for", () => {
    const record = recordOf({ dead: dead.toReversed(), open: new Map([openEvent(14), openEvent(15)]) });
    apply(record, { do: "redeliver", dead: "all" });
    expect(openOf(record)).toEqual([11, 14, 15]);
    expect(record.dead.map(({ seq }) => seq)).toEqual([12, 13]);
  });

  test("are dropped by their ids, and by no other", () => {
    const record = apply(recordOf({ dead: [...dead] }), { do: "drop", dead: [idAt(12), idAt(13, "x")] });
    expect(record.dead.map(({ seq }) => seq)).toEqual([11, 13]);
  });
});

describe("what an owner asks for", () => {
  const define = (change: object = {}) =>
    ({
      do: "define",
      definition: { window: 3, ackWaitMs: 1_000, backoffMs: [], maxDeliver: 2, ttlSeconds: 86_400 },
      topics: ["order.>"],
      at: { epoch: "first-epoch", position: { seq: 40, tag: "t40" } },
      ...change,
    }) as SubscriptionCommand;

  test("raises the revision where it changes anything; topics that are added count from now on", () => {
    expect(apply(opened(), define()).revision).toBe(1);
    const record = apply(opened(), define({ topics: ["invoice.*", "order.>"] }));
    expect([record.revision, record.definition.topics]).toEqual([2, { "invoice.*": 40, "order.>": 10 }]);
  });

  test("is refused for another revision than the one expected", () => {
    expect(() => apply(opened(), define({ expected: 2 }))).toThrow(
      expect.objectContaining({ code: "version_conflict" }),
    );
    expect(apply(opened(), define({ expected: 1 })).revision).toBe(1);
  });

  test("begins anew where the subscription was archived, and keeps its place where it had only expired", () => {
    const expired = apply(opened(), define(), 1_000 + 8 * DAY_MS);
    expect([openOf(expired), expired.through.seq, expired.seenAt]).toEqual([[11, 12, 14], 14, 1_000 + 8 * DAY_MS]);
    const archived = apply(opened(), define(), 1_000 + 15 * DAY_MS);
    expect([archived.open.size, archived.through.seq]).toEqual([0, 40]);
    expect([expired.owed, archived.owed]).toEqual([
      undefined,
      { event: "gap", after: { seq: 10, tag: "0" }, reason: "retention" },
    ]);
    const settled = { ...opened(), open: new Map() };
    expect(apply(settled, define(), 1_000 + 15 * DAY_MS).owed).toMatchObject({ after: { seq: 14, tag: "t14" } });
    const read = recordOf({ through: { seq: 40, tag: "t40" } });
    expect(apply(read, define(), 1_000 + 15 * DAY_MS).owed).toBeUndefined();
    const other = { ...define(), at: { epoch: "other-epoch", position: { seq: 4, tag: "t4" } } };
    const elsewhere = apply(opened(), other, 1_000 + 15 * DAY_MS);
    expect([elsewhere.owed, elsewhere.through.seq]).toEqual([{ event: "reset", reason: "epoch" }, 4]);
    expect(elsewhere.definition.topics["order.>"]).toBe(0);
  });

  test("tells of nothing where nothing was lost while it was archived, and nothing goes back", () => {
    const through = { seq: 40, tag: "t40" };
    const archived = apply(recordOf({ through }), define(), 1_000 + 15 * DAY_MS);
    expect([archived.owed, archived.through]).toEqual([undefined, through]);
    const earlier = { ...define(), at: { epoch: "first-epoch", position: { seq: 4, tag: "t4" } } };
    expect(apply(recordOf({ through }), earlier, 1_000 + 15 * DAY_MS).through).toEqual(through);
  });
});

describe("a life", () => {
  test("follows from times, and looking at it changes nothing", () => {
    const record = recordOf();
    const at = (days: number) => lifeOf(record, 1_000 + days * DAY_MS, LIFE);
    expect([0, 6.9, 7, 14.9, 15, 40].map(at)).toEqual([
      "active",
      "active",
      "expired",
      "expired",
      "archived",
      "archived",
    ]);
    expect(record).toEqual(recordOf());
  });

  test("may pause until a time, or until it is resumed", () => {
    const record = apply(recordOf(), { do: "pause", until: 5_000 });
    expect([lifeOf(record, 4_999, LIFE), lifeOf(record, 5_000, LIFE), record.revision]).toEqual([
      "paused",
      "active",
      2,
    ]);
    apply(record, { do: "pause", until: "resumed" });
    expect(lifeOf(record, DAY_MS, LIFE)).toBe("paused");
    apply(record, { do: "resume" });
    expect([lifeOf(record, DAY_MS, LIFE), apply(record, { do: "resume" }).revision]).toEqual(["active", 4]);
  });
});
