import { expect, test } from "vitest";
import { runUnderChanges } from "#test/support/run-under-changes.ts";

const LOAD = { people: 1_000, changes: 60, perSecond: 10 };

test("ten changes a second hold up nobody: every event reaches everybody, and only who is named is asked for again", async () => {
  const { deliveredMeanwhile, ...counts } = await runUnderChanges(LOAD);
  expect(counts).toEqual({
    due: LOAD.changes * LOAD.people,
    delivered: LOAD.changes * LOAD.people,
    closed: 0,
    resolved: LOAD.changes,
    // Both permissions of the one new grant that all of them were given.
    decided: 2,
    resolvedForRole: LOAD.changes,
  });
  expect(deliveredMeanwhile).toBeGreaterThan(counts.due / 4);
}, 120_000);
