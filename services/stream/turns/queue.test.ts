import { expect, test } from "vitest";
import { Queue } from "./queue.ts";

test("a queue gives back its items in order, and knows its ends at any time", () => {
  const queue = new Queue<number>();
  const model: number[] = [];
  // Adds two and takes one, and the other way round, so that its two halves change places at many lengths.
  for (let round = 0; round < 200; round += 1) {
    const [adds, takes] = round % 20 < 10 ? [2, 1] : [1, 2];
    for (let n = 0; n < adds; n += 1) {
      queue.push(round * 10 + n);
      model.push(round * 10 + n);
    }
    for (let n = 0; n < takes; n += 1) expect(queue.shift()).toBe(model.shift());
    expect(queue.items()).toEqual(model);
    expect([queue.length, queue.first, queue.last]).toEqual([model.length, model[0], model.at(-1)]);
  }
  expect(queue.shift()).toBeUndefined();
  expect([queue.length, queue.first, queue.last]).toEqual([0, undefined, undefined]);
});
