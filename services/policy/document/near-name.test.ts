import { expect, test } from "vitest";
import { nearNames } from "./near-name.ts";

test("the nearest of some names is found, up to two characters away", () => {
  const near = nearNames(["viewer", "viewers", "editor"]);
  expect(["veiwer", "viewerz", "edtor", "viewr"].map(near)).toEqual(["viewer", "viewer", "editor", "viewer"]);
  expect(["admin", "edxyz", "vvv"].map(near)).toEqual([undefined, undefined, undefined]);
});

test("fifty thousand names are compared and no more", () => {
  const far = Array.from({ length: 49_999 }, (_, at) => `f${String(at).padStart(5, "x").replaceAll(/\d/g, digit)}`);
  expect(new Set(far).size).toBe(far.length);
  expect(nearNames([...far, "viewer"])("viewex")).toBe("viewer");
  expect(nearNames([...far, "fzzzzz", "viewer"])("viewex")).toBeUndefined();
});

function digit(text: string): string {
  return "abcdghijkl"[Number(text)] ?? "";
}
