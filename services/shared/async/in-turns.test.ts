import { expect, test } from "vitest";
import { inTurns } from "./in-turns.ts";

test("everything is done in order, and others have their turns between", async () => {
  const steps: string[] = [];
  setImmediate(() => steps.push("another"));
  const results = await inTurns(["a", "b", "c"], 2, (item) => {
    steps.push(item);
    return item.toUpperCase();
  });
  expect(results).toEqual(["A", "B", "C"]);
  expect(steps).toEqual(["a", "b", "another", "c"]);
});
