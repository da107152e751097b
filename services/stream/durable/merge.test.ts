import { describe, expect, test } from "vitest";
import { idAt, openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { applyCommand, type SubscriptionCommand } from "./commands.ts";
import { beginAnew } from "./life.ts";
import { mergeRecord } from "./merge.ts";
import type { SubscriptionRecord } from "./record.ts";

const LIFE = { expiresMs: 1e9, archivesMs: 2e9 };

type Change = (record: SubscriptionRecord) => void;

/** What a holder has after it changed its record, and somebody else the stored one. */
function merged(own: Change, others: Change, change: Partial<SubscriptionRecord> = {}): SubscriptionRecord {
  const make = () =>
    recordOf({ open: new Map([openEvent(11), openEvent(12)]), through: { seq: 12, tag: "t12" }, ...change });
  const [mine, base, theirs] = [make(), make(), make()];
  own(mine);
  others(theirs);
  mergeRecord(mine, base, theirs);
  return mine;
}

const command =
  (given: SubscriptionCommand, real: readonly number[] = []): Change =>
  (record) =>
    applyCommand(record, given, { now: 1_500, life: LIFE, real: new Set(real) });
const acknowledging = (...seqs: number[]) =>
  command({ do: "acknowledge", ids: seqs.map((seq) => idAt(seq)) }, [20, 21]);

describe("what its holder has changed stays where another edge has changed the stored record", () => {
  test("a pause, where the other one has only acknowledged", () => {
    const { pausedUntil, revision, open } = merged(command({ do: "pause", until: "resumed" }), acknowledging(11));
    expect([pausedUntil, revision, [...open.keys()]]).toEqual(["resumed", 2, [12]]);
  });

  test("an acknowledgement of what a holder that is gone had delivered", () => {
    const { early } = merged(acknowledging(20), acknowledging(21));
    expect([...early.keys()]).toEqual([20, 21]);
  });

  test("a loss that it has told meanwhile, and one that is answered elsewhere is settled", () => {
    const owed = { event: "gap", after: { seq: 9, tag: "t9" }, reason: "erased", toldBehind: 11 } as const;
    expect(merged(() => undefined, acknowledging(12), { owed }).owed).toBeUndefined();
    const told = { ...owed, toldBehind: 12 };
    expect(merged((record) => void (record.owed = told), acknowledging(12), { owed }).owed).toEqual(told);
  });
});

describe("in a log that has begun anew", () => {
  test.each([
    ["by another epoch", "second-epoch", { seq: 0, tag: "0" }],
    ["without its end", "first-epoch", { seq: 8, tag: "t8" }],
  ])("%s, nothing that was changed of the one before counts", (_, epoch, position) => {
    const began = (record: SubscriptionRecord) => {
      beginAnew(record, epoch, position);
      record.open.set(11, { tag: "new", deliveries: 1, dueAt: 2_000 });
      record.through = { seq: 11, tag: "new" };
    };
    const record = merged(began, (theirs) => {
      acknowledging(11)(theirs);
      command({ do: "acknowledge", ids: [], upTo: idAt(20) }, [20])(theirs);
    });
    expect(record).toMatchObject({ epoch, through: { seq: 11, tag: "new" }, definition: { topics: { "order.>": 0 } } });
    expect([...record.open.keys()]).toEqual([11]);
  });

  test("topics that another edge has changed have all their events", () => {
    const { topics: _, ...definition } = recordOf().definition;
    const at = { epoch: "first-epoch", position: { seq: 30, tag: "t30" } };
    const defined = command({
      do: "define",
      definition: { ...definition, backoffMs: [] },
      topics: ["invoice.*", "order.>"],
      at,
    });
    const record = merged((mine) => beginAnew(mine, "second-epoch", { seq: 0, tag: "0" }), defined);
    expect([record.revision, record.definition.topics]).toEqual([2, { "invoice.*": 0, "order.>": 0 }]);
  });
});
