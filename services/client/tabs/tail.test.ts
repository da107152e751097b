import { expect, test } from "vitest";
import { type Link, Tail } from "./tail.ts";

const at = (seq: number): string => `epoch-one.${seq}.a`;

function linkAt(seq: number, data = ""): Link {
  return { after: at(seq - 1), frame: { id: at(seq), data } };
}

function idsSince(tail: Tail, seq: number): string[] | undefined {
  return tail.since(at(seq))?.map(({ frame }) => frame.id);
}

test("a reader within the chain gets all behind its place, one before it nothing", () => {
  const tail = new Tail();
  tail.restart(at(3));
  for (const seq of [4, 5, 6]) tail.push(linkAt(seq));
  expect(idsSince(tail, 3)).toEqual([4, 5, 6].map(at));
  expect(idsSince(tail, 5)).toEqual([at(6)]);
  expect(idsSince(tail, 9)).toEqual([]);
  expect(idsSince(tail, 2)).toBeUndefined();
});

test("a frame that does not continue the chain begins a new one", () => {
  const tail = new Tail();
  tail.restart(at(3));
  tail.push(linkAt(4));
  tail.push(linkAt(6));
  expect(idsSince(tail, 4)).toBeUndefined();
  expect(idsSince(tail, 5)).toEqual([at(6)]);
});

test("the chain keeps as many frames as it may, and forgets the first with the next one", () => {
  const tail = new Tail({ links: 3, characters: 1_000 });
  tail.restart(at(0));
  for (const seq of [1, 2, 3]) tail.push(linkAt(seq));
  expect(idsSince(tail, 0)).toEqual([1, 2, 3].map(at));
  tail.push(linkAt(4));
  expect(idsSince(tail, 0)).toBeUndefined();
  expect(idsSince(tail, 1)).toEqual([2, 3, 4].map(at));
});

test("the chain keeps as much text as it may, and forgets the first with one character more", () => {
  const tail = new Tail({ links: 10, characters: 8 });
  tail.restart(at(0));
  tail.push(linkAt(1, "four"));
  tail.push(linkAt(2, "more"));
  expect(idsSince(tail, 0)).toEqual([1, 2].map(at));
  tail.push(linkAt(3, "!"));
  expect(idsSince(tail, 0)).toBeUndefined();
  expect(idsSince(tail, 1)).toEqual([2, 3].map(at));
});
