import { expect, test } from "vitest";
import { Admission } from "./admission.ts";

test("an edge takes as many streams as it may hold, and not one more", () => {
  const admission = new Admission(2);
  admission.enter();
  admission.enter();
  expect(admission.open).toBe(2);
  expect(() => admission.enter()).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(admission.open).toBe(2);
});

test("a place that was given back is taken again", () => {
  const admission = new Admission(1);
  admission.enter();
  admission.leave();
  admission.enter();
  expect(admission.open).toBe(1);
});

test("an edge that drains takes no stream, and keeps those it has", () => {
  const admission = new Admission(2);
  admission.enter();
  admission.drain();
  expect(admission.isDraining).toBe(true);
  expect(() => admission.enter()).toThrow(expect.objectContaining({ code: "unavailable" }));
  expect(admission.open).toBe(1);
});

test("the pressure on an edge begins with four fifths of its places, and is whole with all of them", () => {
  const admission = new Admission(10);
  const pressures = Array.from({ length: 10 }, () => {
    admission.enter();
    return Number(admission.pressure.toFixed(3));
  });
  expect(pressures).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1]);
});
