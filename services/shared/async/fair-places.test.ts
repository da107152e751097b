import { expect, test } from "vitest";
import { FairPlaces } from "./fair-places.ts";

/** How many places an owner gets that takes all it can. */
function takeAll(places: FairPlaces, ...path: readonly string[]): Disposable[] {
  const taken: Disposable[] = [];
  for (let place = places.take(path); place !== undefined; place = places.take(path)) taken.push(place);
  return taken;
}

test("an owner that takes all it can leaves half to the others, each of which leaves half of the rest", () => {
  const places = new FairPlaces(32);
  const counts = ["a", "b", "c", "d", "e"].map((owner) => takeAll(places, owner).length);
  expect(counts).toEqual([16, 8, 4, 2, 1]);
  expect(takeAll(places, "f")).toHaveLength(1);
});

test("an owner within another one leaves places to the others there", () => {
  const places = new FairPlaces(100);
  expect(takeAll(places, "acme", "greedy").length).toBeLessThan(50);
  expect(takeAll(places, "acme", "modest").length).toBeGreaterThan(5);
  expect(takeAll(places, "rival", "greedy").length).toBeGreaterThan(10);
});

test("a place that is given back can be taken again", () => {
  const places = new FairPlaces(2);
  const [taken] = takeAll(places, "a");
  expect(takeAll(places, "a")).toEqual([]);
  taken?.[Symbol.dispose]();
  expect(takeAll(places, "a")).toHaveLength(1);
});
