import { expect, test } from "vitest";
import { holeOf } from "../event.ts";
import { missingRuns } from "./confirm-holes.ts";

test.each([
  ["nothing", 4, [5, 6, 7], []],
  ["one before the first message", 4, [6, 7], [[5, 5, 6]]],
  [
    "several, each with the message behind it",
    4,
    [7, 8, 12],
    [
      [5, 6, 7],
      [9, 11, 12],
    ],
  ],
  ["none behind the last message", 4, [], []],
] as const)("what is missing: %s", (_, seq, messages, runs) => {
  const at = (each: number) => ({ seq: each, tag: `t${each}` });
  expect(missingRuns(seq, messages.map(at))).toEqual(
    runs.map(([first, last, next]) => ({ hole: holeOf(first, last), next: at(next) })),
  );
});
