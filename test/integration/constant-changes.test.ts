import { expect, test } from "vitest";
import { runUnderChanges } from "#test/support/run-under-changes.ts";

const LOAD = { people: 1_000, changes: 60, perSecond: 10 };

test("ten changes a second hold up nobody: every event reaches everybody, and only who is named is asked for again", async () => {
  const counts = await runUnderChanges(LOAD);
  const due = LOAD.changes * LOAD.people;
  expect(counts).toMatchObject({ due, delivered: due, closed: 0 });
  expect(counts.deliveredMeanwhile).toBeGreaterThan(due / 4);
  // A question that a busy machine answers too late is asked again; that is far from asking for everybody.
  expect(counts.resolved).toBeLessThan(2 * LOAD.changes);
  expect(counts.resolvedForRole).toBeLessThan(2 * LOAD.changes);
  expect(counts.decided).toBeLessThan(LOAD.changes);
}, 120_000);
