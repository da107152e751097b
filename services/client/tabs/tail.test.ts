import { expect, test } from "vitest";
import { type Link, Tail } from "./tail.ts";

const at = (seq: number): string => `epoch-one.${seq}.a`;

function linkAt(seq: number, data = ""): Link {
  return { after: at(seq - 1), frame: { id: at(seq), data } };
}

function idsSince(tail: Tail, seq: number): string[] | undefined {
  return tail.since(at(seq), true)?.map(({ frame }) => frame.id);
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

test("a place of which nobody knows whether the log still has it counts only where the chain has it", () => {
  const tail = new Tail();
  tail.restart(at(3));
  tail.push(linkAt(4));
  tail.push({ after: at(4), frame: { event: "ready", id: at(4) } });
  tail.push({ after: at(4), frame: { id: at(6) } });
  const idsBehind = (place: string) => tail.since(place, false)?.map(({ frame }) => frame.id);
  expect([3, 4, 6].map((seq) => idsBehind(at(seq)))).toEqual([[at(4), at(4), at(6)], [at(6)], []]);
  for (const place of [at(5), at(7), "epoch-one.4.other"]) expect(idsBehind(place)).toBeUndefined();
});

test("behind the point where the log lost its end no number counts", () => {
  const tail = new Tail();
  tail.restart(at(4));
  tail.push(linkAt(5));
  tail.push({ after: at(5), frame: { event: "reset", id: "epoch-one.2.0" } });
  tail.push({ after: "epoch-one.2.0", frame: { id: "epoch-one.3.b" } });
  const idsBehind = (place: string) => tail.since(place, true)?.map(({ frame }) => frame.id);
  expect(idsBehind(at(5))).toEqual(["epoch-one.2.0", "epoch-one.3.b"]);
  expect(idsBehind("epoch-one.2.0")).toEqual(["epoch-one.3.b"]);
  expect(idsBehind(at(6))).toBeUndefined();
});
