import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { readEvery } from "./read-every.ts";

/** Readings that end when a test says so. */
function createReadings() {
  const ends: (() => void)[] = [];
  const reading = readEvery(undefined, () => new Promise<void>((resolve) => void ends.push(resolve)));
  return { reading, ends };
}

test("what is wanted again while it is read is read once more, when that has ended", async () => {
  const { reading, ends } = createReadings();
  for (let time = 0; time < 3; time += 1) reading.again();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await waitFor("the second reading", () => ends.length === 2);
  ends[1]?.();
  await Promise.resolve();
  reading.again();
  await waitFor("the third", () => ends.length === 3);
});

test("nothing is read any more once it was ended", async () => {
  const { reading, ends } = createReadings();
  reading.again();
  reading[Symbol.dispose]();
  ends[0]?.();
  await Promise.resolve();
  expect(ends).toHaveLength(1);
});
