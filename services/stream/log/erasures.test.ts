import { describe, expect, test } from "vitest";
import type { EventEntry } from "../event.ts";
import { Erasures } from "./erasures.ts";

const EPOCH = "first-epoch";

describe("an erasure by topic pattern", () => {
  test.each([
    ["order.*.42", "order.created.42", true],
    ["order.*.42", "order.created.142", false],
    ["order.*.42", "order.created.42.more", false],
    ["order.>", "order.created.42", true],
    ["order.created.*", "order.created.42", true],
    ["order.created.42", "order.created.42", true],
    ["*.created.*", "invoice.created.7", true],
    ["*.created.*", "invoice.deleted.7", false],
    [">", "invoice.deleted.7", true],
  ])("%s, of %s: %s", (subject, topic, isCovered) => {
    const erasures = new Erasures();
    erasures.add({ subject, through: 5 }, 0);
    expect(erasures.covers(event(5, topic))).toBe(isCovered);
    expect(erasures.covers(event(6, topic))).toBe(false);
  });
});

test("an erasure by ids covers these very messages, whatever epoch the log had when they were erased", () => {
  const erasures = new Erasures();
  const ids = [`${EPOCH}.1.t1`, `${EPOCH}.2.other`, "other-epoch.3.t3", `${EPOCH}.9.t9`, "nonsense"];
  erasures.add({ ids, through: 5 }, 0);
  expect([1, 2, 3, 9].filter((seq) => erasures.covers(event(seq, "order.created.1")))).toEqual([1, 3]);
});

test("an erasure is remembered for 10 minutes, and the last 128 of them", () => {
  const erasures = new Erasures();
  const isCovered = (): boolean => erasures.covers(event(1, "order.created.1"));
  erasures.add({ subject: "order.created.1", through: 1 }, 0);
  erasures.add({ subject: "a.b", through: 1 }, 600_000);
  expect(isCovered()).toBe(true);
  erasures.add({ subject: "a.b", through: 2 }, 600_001);
  expect(isCovered()).toBe(false);
  erasures.add({ subject: "order.created.1", through: 1 }, 600_001);
  for (let others = 1; others < 128; others += 1) erasures.add({ subject: "a.b", through: others }, 600_001);
  // One that is known already takes no other place.
  erasures.add({ subject: "a.b", through: 127 }, 600_001);
  expect(isCovered()).toBe(true);
  erasures.add({ subject: "a.b", through: 128 }, 600_001);
  expect(isCovered()).toBe(false);
});

function event(seq: number, topic: string): EventEntry {
  return { position: { seq, tag: `t${seq}` }, topic } as EventEntry;
}
