import { expect, test } from "vitest";
import { isAtLeast, isSameVersion, versionSchema } from "./version.ts";

const seven = { number: 7, build: "a" };

test("a version includes itself and every lower number, whatever its build", () => {
  expect(isAtLeast(seven, seven)).toBe(true);
  expect(isAtLeast(seven, { number: 6, build: "b" })).toBe(true);
  expect(isAtLeast({ number: 6, build: "a" }, seven)).toBe(false);
});

test("the same number of another build is another version, and includes nothing of it", () => {
  const other = { number: 7, build: "b" };
  expect(isSameVersion(seven, { ...seven })).toBe(true);
  expect(isSameVersion(seven, other)).toBe(false);
  expect(isAtLeast(seven, other)).toBe(false);
  expect(isAtLeast(other, seven)).toBe(false);
});

test.each([
  { number: 0, build: "a" },
  { number: 1.5, build: "a" },
  { number: Number.MAX_SAFE_INTEGER + 1, build: "a" },
  { number: "7", build: "a" },
  { number: 7, build: "" },
  { number: 7, build: "x".repeat(65) },
  { number: 7 },
])("%j is not a version", (value) => expect(versionSchema.safeParse(value).success).toBe(false));

test.each([seven, { number: 1, build: "x".repeat(64) }])("%j is a version", (value) =>
  expect(versionSchema.parse(value)).toEqual(value),
);
