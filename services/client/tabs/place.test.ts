import { expect, test } from "vitest";
import { comparePlaces, fitOf } from "./place.ts";

const at = (seq: number, epoch = "epoch-one"): string => `${epoch}.${seq}.a`;

test("places of one log have an order, those of two logs have none", () => {
  expect(comparePlaces(at(2), at(1))).toBeGreaterThan(0);
  expect(comparePlaces(at(1), at(1))).toBe(0);
  expect(comparePlaces(at(1), at(2))).toBeLessThan(0);
  expect(comparePlaces(at(1), at(1, "epoch-two"))).toBeUndefined();
  expect(comparePlaces(undefined, at(1))).toBeUndefined();
});

test.each([
  { place: at(5), after: at(5), id: at(6), fit: "continues" },
  { place: at(5), after: at(4), id: at(6), fit: "continues" },
  { place: at(5), after: at(6), id: at(7), fit: "breaks" },
  { place: at(6), after: at(5), id: at(6), fit: "repeats" },
  { place: at(7), after: at(5), id: at(6), fit: "repeats" },
  { place: undefined, after: undefined, id: at(1), fit: "continues" },
  { place: undefined, after: at(1), id: at(2), fit: "breaks" },
  { place: at(1), after: undefined, id: at(2), fit: "breaks" },
  // The log was made anew behind what both have, or before it.
  { place: at(5), after: at(5), id: at(1, "epoch-two"), fit: "continues" },
  { place: at(5), after: at(6), id: at(1, "epoch-two"), fit: "breaks" },
  { place: at(5), after: at(1, "epoch-two"), id: at(2, "epoch-two"), fit: "breaks" },
  // The log has lost its end: what stands behind it now has ids that readers have had already.
  { place: at(5), after: at(5), id: at(3), event: "reset", fit: "continues" },
  { place: at(6), after: at(5), id: at(3), event: "reset", fit: "breaks" },
])("a frame $id behind $after $fit what a reader at $place has", ({ place, after, id, event, fit }) => {
  expect(fitOf(place, after, id, event)).toBe(fit);
});
