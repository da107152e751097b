import { describe, expect, test } from "vitest";
import { openEvent, recordOf } from "#test/rigs/subscription-record.ts";
import { DELETED_RECORD } from "#shared/contract/subscription-record.ts";
import { encodeRecord, parseRecord } from "./record.ts";

const FULL = recordOf({
  pausedUntil: "resumed",
  open: new Map([openEvent(11), openEvent(14, 5_000, 2)]),
  dead: [{ seq: 12, tag: "t12", deliveries: 2, reason: "not_acknowledged" }],
  early: new Map([[15, "t15"]]),
  reach: 20,
  owed: { event: "gap", after: { seq: 5, tag: "t5" }, reason: "erased" },
  holder: { connectionId: "w-1", client: "tab" },
  puts: 3,
});

describe("a record", () => {
  test.each([recordOf(), FULL])("is read as it was written", (record) => {
    expect(parseRecord(encodeRecord(record))).toEqual({ is: "record", record });
  });

  test("has the least format that has all its fields", () => {
    const { definition } = recordOf();
    const deliver = { url: "https://hooks.example.com/", secretRef: "hook" };
    const owed = { event: "reset", reason: "epoch" } as const;
    const formats = [recordOf(), recordOf({ definition: { ...definition, deliver } }), recordOf({ owed })].map(
      (record) => (JSON.parse(encodeRecord(record)) as { v: number }).v,
    );
    expect(formats).toEqual([1, 2, 3]);
  });

  test("takes about thirty bytes for each open event", () => {
    const open = new Map(Array.from({ length: 1_000 }, (_, index) => openEvent(1_000_000 + index, 1_790_000_000_000)));
    const bytes = encodeRecord(recordOf({ open })).length - encodeRecord(recordOf()).length;
    expect(bytes / 1_000).toBeLessThan(40);
  });

  test("that was deleted is a trace, and one of a later format is left to who wrote it", () => {
    expect(parseRecord(DELETED_RECORD)).toEqual({ is: "deleted" });
    expect(parseRecord(JSON.stringify({ ...JSON.parse(encodeRecord(FULL)), v: 4, later: true }))).toEqual({
      is: "newer",
    });
  });

  test.each(["", "{", "null", "[]", '{"v":0}', '{"v":1}', '"x"'])("is never %j", (text) => {
    expect(parseRecord(text)).toEqual({ is: "corrupted" });
  });

  test.each(["open", "through", "definition", "epoch", "puts"])("with another %s is corrupted", (field) => {
    const json = { ...JSON.parse(encodeRecord(FULL)), [field]: "other" };
    expect(parseRecord(JSON.stringify(field === "epoch" ? { ...json, epoch: 7 } : json))).toEqual({ is: "corrupted" });
  });
});
